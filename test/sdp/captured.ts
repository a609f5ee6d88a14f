import { readdirSync, readFileSync } from 'node:fs'
import { isRtpSection, parseSdp, rtpMedia, type SdpRtpMedia } from '../../src/sdp/index.ts'

const directory = new URL('captured/', import.meta.url)

/** The names of all captured descriptions: see `captured/README.md`. */
export const capturedNames: readonly string[] = readdirSync(directory)
  .filter(name => name.endsWith('.sdp'))
  .map(name => name.slice(0, -'.sdp'.length))
  .sort()

/** A captured description, with the line ends it had. */
export function captured(name: string): string {
  return readFileSync(new URL(`${name}.sdp`, directory), 'utf8').replace(/\r?\n/g, '\r\n')
}

/** What the section at `index` of a captured description says about RTP. */
export function capturedRtp(name: string, index = 0): SdpRtpMedia {
  return rtpOf(captured(name), index)
}

/** What the section at `index` of a description says about RTP. */
export function rtpOf(text: string, index = 0): SdpRtpMedia {
  const session = parseSdp(text)
  const media = session.media[index]
  if (media === undefined || !isRtpSection(media)) throw new Error(`section ${index} is not there, or not RTP`)
  return rtpMedia(session, media)
}

/** A description with one RTP section, with lines added to that. */
export function videoWith(...added: readonly string[]): string {
  return sectionWith('video', '96 97 98', added)
}

/** The same for audio. */
export function audioWith(...added: readonly string[]): string {
  return sectionWith('audio', '111 0', added)
}

function sectionWith(kind: string, formats: string, added: readonly string[]): string {
  const head = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', `m=${kind} 9 UDP/TLS/RTP/SAVPF ${formats}`]
  return [...head, 'c=IN IP4 0.0.0.0', ...added].map(line => `${line}\r\n`).join('')
}
