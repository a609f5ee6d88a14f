import { type ConnectionReport, explainConnection, type RTCPeerConnection } from 'icefloe'

/** Why a connection is there, or is not: a line for each thing that matters, with what happened to a pair behind it. */
export type Why = readonly WhyLine[]

export interface WhyLine {
  readonly text: string
  /** Where the line is about a candidate pair: what happened to it, in milliseconds since the first check. */
  readonly history?: readonly { readonly ms: number; readonly what: string }[]
}

export function why(connection: RTCPeerConnection): Why {
  const { lines, pairs } = explainConnection(connection)
  const first = Math.min(...pairs.flatMap(({ history }) => history.map(({ at }) => at)))
  return lines.map(text => {
    const pair = pairs.find(each => text.startsWith(`${place(each.local)} to ${place(each.remote)}:`))
    if (pair === undefined) return { text }
    return { text, history: pair.history.map(({ at, what }) => ({ ms: Math.round(at - first), what })) }
  })
}

/** A candidate as the lines have it. */
function place({ type, protocol, tcpType, address: { address, port } }: Candidate): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `${[type, protocol, tcpType].filter(Boolean).join(' ')} ${host}:${port}`
}

type Candidate = ConnectionReport['pairs'][number]['remote']
