/**
 * Resolves once `condition` holds: at once, or after an event of this type.
 *
 * @param what named in the error if it takes longer than `timeoutMs`
 */
export function reached(
  target: EventTarget,
  type: string,
  condition: () => boolean,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      target.removeEventListener(type, check)
      clearTimeout(timer)
    }
    const check = () => {
      if (!condition()) return
      stop()
      resolve()
    }
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`${what}: not within ${timeoutMs} ms`))
    }, timeoutMs)
    target.addEventListener(type, check)
    check()
  })
}

/** Resolves with the data of the next message. Ask before you send what it answers. */
export async function nextMessage(channel: EventTarget): Promise<unknown> {
  let data: unknown
  let arrived = false
  const listener = (event: Event) => {
    data = (event as MessageEvent).data
    arrived = true
  }
  channel.addEventListener('message', listener, { once: true })
  await reached(channel, 'message', () => arrived, 'a message')
  return data
}
