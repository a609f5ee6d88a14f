import type { RTCPeerConnection } from '../../src/index.ts'
import type { BrowserPeer } from './browser.ts'

/** An entry of getStats(), of either end. */
export type Stats = Readonly<Record<string, unknown>> & { readonly type: string; readonly id: string }

export interface BrowserTransceiver {
  readonly mid: string | null
  readonly kind: 'audio' | 'video'
  readonly direction: string
  readonly currentDirection: string | null
  readonly stopped: boolean
}

/** The entries of a type, of the browser's statistics. */
export function statsOf(browser: BrowserPeer, type: string): Promise<readonly Stats[]> {
  return browser.media('rtpStats', type)
}

/** The entries of a type, of icefloe's statistics. */
export async function ownStats(icefloe: RTCPeerConnection, type: string): Promise<readonly Stats[]> {
  return [...(await icefloe.getStats()).values()].filter(stats => stats.type === type) as unknown as readonly Stats[]
}

/** Zero where it is not told. */
export function count(stats: Stats | undefined, member: string): number {
  const value = stats?.[member]
  return typeof value === 'number' ? value : 0
}

const pollMs = 100

/** Waits until something that has to be asked for is as it should be. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  condition: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await ask()
    if (condition(value)) return value
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms: ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

/** Waits until the browser has decoded so many more pictures, of all that it receives. */
export async function untilDecoded(browser: BrowserPeer, what: string, pictures = 10): Promise<void> {
  const decoded = async () => (await browser.mediaStats())['inbound-rtp video']?.framesDecoded ?? 0
  const before = await decoded()
  await eventually(what, decoded, value => value >= before + pictures)
}

/** Waits until the browser has received so many more packets of audio. */
export async function untilHeard(browser: BrowserPeer, what: string, packets = 25): Promise<void> {
  const received = async () => (await browser.mediaStats())['inbound-rtp audio']?.packetsReceived ?? 0
  const before = await received()
  await eventually(what, received, value => value >= before + packets)
}

export function setActive(browser: BrowserPeer, active: Readonly<Record<string, boolean>>): Promise<void> {
  return browser.media('setActive', active)
}

export function transceiversOf(browser: BrowserPeer): Promise<readonly BrowserTransceiver[]> {
  return browser.media('transceivers')
}

export function setDirection(browser: BrowserPeer, index: number, direction: string): Promise<void> {
  return browser.media('setDirection', index, direction)
}

export function stopTransceiver(browser: BrowserPeer, index: number): Promise<void> {
  return browser.media('stopTransceiver', index)
}

export function removeSender(browser: BrowserPeer, index: number): Promise<void> {
  return browser.media('removeSender', index)
}

/** Another track of that size, or none, in place of the one that is sent. */
export function replaceVideo(
  browser: BrowserPeer,
  index: number,
  size: { readonly width: number; readonly height: number } | null,
): Promise<void> {
  return browser.media('replaceVideo', index, size)
}

/** Resolves with the tones that were sent; milliseconds. */
export function insertDtmf(browser: BrowserPeer, tones: string, duration: number, gap: number): Promise<string> {
  return browser.media('insertDtmf', tones, duration, gap)
}

/** A worker of the page inverts the frames of all that is sent and received from now on. */
export function transformMedia(browser: BrowserPeer): Promise<void> {
  return browser.media('transformMedia')
}
