import { randomInt } from 'node:crypto'
import type { Logger } from '#base/runtime.ts'
import type { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import type { TransportSpec } from '#protocols/rtsp/transport.ts'
import type { SocketEnds } from '../pull/connect-socket.ts'
import { PullRefusedError } from '../pull/errors.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ClientDialog } from './client-dialog.ts'
import { ClientPorts } from './client-ports.ts'
import type { OfferedTrack } from './offered-tracks.ts'
import type { UdpPorts } from './udp-ports.ts'

const MAX_SSRC = 2 ** 32

/** A track that the server has set up for us. */
export interface SetUpTrack {
  readonly track: OfferedTrack
  readonly lower: 'udp' | 'tcp'
  readonly sendControl: (bytes: Uint8Array) => void
  /** Undefined until there is a stream. */
  receiver: MediaReceiver | undefined
}

export interface ClientTracksOptions {
  readonly dialog: ClientDialog
  readonly connection: ClientConnection
  readonly ends: SocketEnds
  /** Of the receiver reports. */
  readonly name: string
  /** Undefined: media comes over TCP. */
  readonly ports: UdpPorts | undefined
  /** UDP may turn out not to work. */
  readonly mayFallBack: boolean
  /** The session ended while the server was asked. */
  readonly isOver: () => boolean
  /** A packet, borrowed, came the way of a track. May come in the midst of setting up. */
  readonly media: (track: SetUpTrack, bytes: Uint8Array, start: number, end: number) => void
  readonly control: (track: SetUpTrack, bytes: Uint8Array) => void
  /** Runs what a datagram brings; what that throws ends the session. */
  readonly attempt: (work: () => void) => void
  /** Media may be read a little later, many datagrams at once. */
  readonly mayGather: () => boolean
  readonly log: Logger
}

/** The tracks of a session and the ways their packets take: ports of ours, or channels of the connection. */
export class ClientTracks implements Disposable {
  readonly #options: ClientTracksOptions
  readonly #ssrc = randomInt(MAX_SSRC)
  readonly #tracks: SetUpTrack[] = []
  readonly #ports: ClientPorts[] = []
  /** By interleaved channel: of media, and of control. */
  readonly #media: (SetUpTrack | undefined)[] = []
  readonly #control: (SetUpTrack | undefined)[] = []
  #lower: 'udp' | 'tcp'

  constructor(options: ClientTracksOptions) {
    this.#options = options
    this.#lower = options.ports === undefined ? 'tcp' : 'udp'
  }

  get all(): readonly SetUpTrack[] {
    return this.#tracks
  }

  /** How media comes, as far as that has turned out. */
  get lower(): 'udp' | 'tcp' {
    return this.#lower
  }

  /**
   * Has the server set up what can be had of these.
   * @throws {PullRefusedError} nothing
   */
  async setUp(tracks: readonly OfferedTrack[]): Promise<void> {
    const { log, isOver } = this.#options
    let refused: unknown
    for (const track of tracks) {
      try {
        await this.#setUp(track)
      } catch (error) {
        if (!(error instanceof PullRefusedError)) throw error
        // One track that can't be had is no reason to lose the others.
        refused = error
        log.warn({ event: 'pull.track-refused', track: track.trackId, err: error })
      }
      if (isOver()) return
    }
    if (this.#tracks.length === 0) throw refused
  }

  /** An interleaved frame has come; borrowed. */
  frame(channel: number, bytes: Uint8Array, start: number, end: number): void {
    const media = this.#media[channel]
    if (media !== undefined) {
      this.#options.media(media, bytes, start, end)
      return
    }
    const control = this.#control[channel]
    if (control !== undefined) this.#options.control(control, bytes.subarray(start, end))
  }

  /** Empty packets towards the server: what stands between lets its own through then. */
  openWays(): void {
    const header = { payloadType: 0, marker: false, sequenceNumber: 0, timestamp: 0, ssrc: this.#ssrc }
    for (const ports of this.#ports) {
      ports.sendMedia(writeRtpPacket(header, new Uint8Array(0)))
      ports.sendControl(writeReceiverReport(this.#ssrc, [], this.#options.name))
    }
  }

  /** Tells the server how its packets arrive. */
  report(nowMs: number): void {
    for (const { receiver, sendControl } of this.#tracks) {
      const report = receiver?.report(this.#ssrc, this.#options.name, nowMs)
      if (report !== undefined) sendControl(report)
    }
  }

  /** Hands over what has come by UDP and is not read yet. */
  takeNow(): void {
    for (const ports of this.#ports) ports.takeNow()
  }

  [Symbol.dispose](): void {
    for (const ports of this.#ports) ports[Symbol.dispose]()
  }

  async #setUp(track: OfferedTrack): Promise<void> {
    const { mayFallBack, ports, log } = this.#options
    if (this.#lower === 'udp' && ports !== undefined) {
      try {
        await this.#setUpUdp(track, ports)
        return
      } catch (error) {
        const isFirst = this.#tracks.length === 0
        if (!(error instanceof PullRefusedError) || !mayFallBack || !isFirst) throw error
        log.info({ event: 'pull.udp-refused', err: error })
        this.#lower = 'tcp'
      }
    }
    await this.#setUpTcp(track)
  }

  async #setUpUdp(track: OfferedTrack, free: UdpPorts): Promise<void> {
    const { dialog, ends, media, control, attempt, mayGather, isOver } = this.#options
    const setUp: { track: SetUpTrack | undefined } = { track: undefined }
    const pair = await free.open(ends.localAddress)
    const ports = new ClientPorts(pair, ends.remoteAddress, {
      media: (bytes) => attempt(() => setUp.track && media(setUp.track, bytes, 0, bytes.length)),
      control: (bytes) => attempt(() => setUp.track && control(setUp.track, bytes)),
      mayGather,
    })
    const wanted = { profile: track.profile, lower: 'udp', clientPorts: ports.ports } as const
    const granted = await dialog.setUp(track, wanted).catch((error: unknown) => {
      ports[Symbol.dispose]()
      throw error
    })
    if (granted === undefined || granted.lower === 'tcp' || isOver()) {
      ports[Symbol.dispose]()
      // Asked for UDP, it grants what it likes better.
      if (granted?.lower === 'tcp') this.#addInterleaved(track, granted)
      return
    }
    this.#ports.push(ports)
    const { serverPorts, source } = granted
    if (serverPorts !== undefined) ports.connect(ends.remoteAddress, serverPorts, source)
    setUp.track = { track, lower: 'udp', sendControl: (bytes) => ports.sendControl(bytes), receiver: undefined }
    this.#tracks.push(setUp.track)
  }

  async #setUpTcp(track: OfferedTrack): Promise<void> {
    const channel = 2 * this.#tracks.length
    const wanted = { profile: track.profile, lower: 'tcp', interleaved: [channel, channel + 1] } as const
    const granted = await this.#options.dialog.setUp(track, wanted)
    if (granted !== undefined)
      this.#addInterleaved(track, { ...granted, interleaved: granted.interleaved ?? wanted.interleaved })
  }

  #addInterleaved(track: OfferedTrack, { interleaved }: Pick<TransportSpec, 'interleaved'>): void {
    const [media, control] = interleaved ?? [2 * this.#tracks.length, 2 * this.#tracks.length + 1]
    this.#lower = 'tcp'
    const sendControl = (bytes: Uint8Array) => this.#options.connection.sendFrame(control, bytes)
    const setUp: SetUpTrack = { track, lower: 'tcp', sendControl, receiver: undefined }
    this.#media[media] = setUp
    this.#control[control] = setUp
    this.#tracks.push(setUp)
  }
}
