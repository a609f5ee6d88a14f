import { ExtensionUri } from '../../rtp/extension-values.ts'
import { type ExtensionElement, extensionElements, type HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import type { RtpExtension } from '../../rtp/packet.ts'
import { agreedHeaderExtensions, sends } from '../../sdp/index.ts'
import type { NegotiatedSection } from './slots.ts'

/** A header extension that goes with a packet from one connection to the next, under the identifiers of each. */
export interface ElementMapping {
  readonly from: number
  readonly to: number
}

/** Those that say something about the media itself. The others belong to a transport, whose RTP session writes them. */
const carriedUris: readonly string[] = [
  ExtensionUri.audioLevel,
  ExtensionUri.mixerAudioLevels,
  ExtensionUri.videoOrientation,
  ExtensionUri.absCaptureTime,
  ExtensionUri.playoutDelay,
]

const noMappings: readonly ElementMapping[] = Object.freeze([])
const noElements: readonly ExtensionElement[] = Object.freeze([])

/** What of a source's header extensions a section can carry on. */
export function elementMappings(
  extensions: HeaderExtensionMap,
  { local, remote }: NegotiatedSection,
): readonly ElementMapping[] {
  if (extensions.size === 0) return noMappings
  const agreed = agreedHeaderExtensions(local.headerExtensions, remote.headerExtensions)
  const mappings: ElementMapping[] = []
  for (const uri of carriedUris) {
    const from = extensions.idOf(uri)
    const to = agreed.find(each => each.uri === uri && sends(each.direction ?? 'sendrecv'))?.id
    if (from !== undefined && to !== undefined) mappings.push({ from, to })
  }
  return mappings.length === 0 ? noMappings : mappings
}

/**
 * The extension that was read last, and its elements: a packet of one source goes to all of its senders before the next
 * one comes, and is read once.
 */
let lastExtension: RtpExtension | undefined
let lastElements: readonly ExtensionElement[] = noElements

/** The elements of a packet that go on, with the identifiers that they have there. */
export function carriedElements(
  extension: RtpExtension | undefined,
  mappings: readonly ElementMapping[],
): readonly ExtensionElement[] {
  if (extension === undefined || mappings.length === 0) return noElements
  if (extension !== lastExtension) {
    lastElements = extensionElements(extension)
    lastExtension = extension
  }
  let carried: ExtensionElement[] | undefined
  for (let i = 0; i < lastElements.length; i++) {
    const element = lastElements[i] as ExtensionElement
    const to = mappedId(element.id, mappings)
    if (to === undefined) continue
    carried ??= []
    carried.push(to === element.id ? element : { id: to, data: element.data })
  }
  return carried ?? noElements
}

function mappedId(id: number, mappings: readonly ElementMapping[]): number | undefined {
  for (let i = 0; i < mappings.length; i++) if (mappings[i]?.from === id) return mappings[i]?.to
  return undefined
}
