/** Resolves once `condition` holds: at once, or after an event of this type. */
export function reached(target: EventTarget, type: string, condition: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (!condition()) return
      target.removeEventListener(type, check)
      resolve()
    }
    target.addEventListener(type, check)
    check()
  })
}

/** Resolves with the data of the next message. Ask before you send what it answers. */
export function nextMessage(channel: EventTarget): Promise<unknown> {
  return new Promise(resolve => {
    channel.addEventListener('message', event => resolve((event as MessageEvent).data), { once: true })
  })
}
