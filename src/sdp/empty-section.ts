import type { SdpMedia } from './description.ts'

/**
 * A media section that says nothing but its m= line. RFC 8840 §4.1.1: an address that is not known yet is the unspecified one.
 *
 * @param port 9 for one that is in use, 0 for one that is rejected
 */
export function emptySection(
  kind: string,
  port: number,
  protocol: string,
  formats: readonly string[],
): SdpMedia & { readonly connection: string } {
  return {
    kind,
    port,
    connection: 'IN IP4 0.0.0.0',
    protocol,
    formats,
    bundleOnly: false,
    iceOptions: [],
    fingerprints: [],
    candidates: [],
    endOfCandidates: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    attributes: [],
  }
}
