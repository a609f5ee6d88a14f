import type { Environment } from '../../base/environment.ts'
import { RtpSession } from '../../rtp/session/rtp-session.ts'
import { confidentialProtocol, type Isolation } from '../identity/isolation.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { MediaTransport } from '../rtp/slots.ts'
import type { RtpListener } from '../rtp-link.ts'
import type { Transport } from '../transport.ts'

/** Who runs audio and video on the transports of a connection. */
export interface MediaRunner {
  /** RFC 7022 §4.2: one for all RTP sessions of a connection. */
  readonly cname: string
  /** Whether the peer has proved to be of this name. */
  readonly isPeer: (identity: string) => boolean
  readonly listener: RtpListener
}

/** What a link needs of the transport that it is on. */
interface LinkedTransport {
  readonly rtp: { readonly driver: Transport; readonly dtls: RTCDtlsTransport }
  readonly rtcp: { readonly driver: Transport } | undefined
}

/** The RTP session on a transport, as audio and video see it. */
export class MediaLink implements MediaTransport {
  readonly isolation: Isolation
  readonly session: RtpSession
  readonly #transport: LinkedTransport
  readonly #runner: MediaRunner
  readonly #environment: Environment
  #attachedRtcp: Transport | undefined
  #isAttached = false

  constructor(transport: LinkedTransport, runner: MediaRunner, environment: Environment) {
    this.#transport = transport
    this.#runner = runner
    this.#environment = environment
    this.isolation = isolationOf(transport, runner)
    const { clock, random } = environment
    const now = clock.now()
    this.session = new RtpSession({ random, cname: runner.cname, wallTimeAtZero: clock.wallTime() - now }, now)
  }

  get dtls(): RTCDtlsTransport {
    return this.#transport.rtp.dtls
  }

  get encryptsHeaders(): boolean {
    return this.#transport.rtp.driver.encryptsHeaders
  }

  /** Joins the session with the transport, and with that of RTCP as long as there is one. */
  attach(): void {
    const { rtp, rtcp } = this.#transport
    if (this.#isAttached && this.#attachedRtcp === rtcp?.driver) return
    this.#isAttached = true
    this.#attachedRtcp = rtcp?.driver
    rtp.driver.attachRtp(this.session, this.#runner.listener, rtcp?.driver)
  }

  schedule(): void {
    this.#transport.rtp.driver.schedule()
  }

  now(): number {
    return this.#environment.clock.now()
  }

  /** The transport says goodbye to the peer when it closes itself. */
  close(): void {
    if (!this.#isAttached) this.session.close(this.now())
  }
}

function isolationOf({ rtp: { driver } }: LinkedTransport, { isPeer }: MediaRunner): Isolation {
  return {
    get isConfidential() {
      return driver.dtls?.applicationProtocol === confidentialProtocol
    },
    // webrtc-identity §11.1.2: the peer is the one, and keeps what it is sent from its application
    maySendTo(identity) {
      return this.isConfidential && isPeer(identity)
    },
  }
}
