import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import { within } from '#base/within.ts'
import type { Stream } from '#hub/stream.ts'
import type { Reservation } from '#media/payload-memory.ts'
import type { RtpPacket } from '#protocols/rtp/packet.ts'
import { PullNothingPlayableError } from '../pull/errors.ts'
import { PullFormatError, PullReaderError } from '../pull/libav/errors.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import { ReadingProcess } from '../pull/libav/reading-process.ts'
import { pipedTask } from '../pull/libav/reading-task.ts'
import { TrackInput } from '../pull/libav/track-input.ts'
import {
  FrameReader,
  type FrameSink,
  type OpenedFrame,
  type OverFrame,
  type TrackFrame,
  type UnitHead,
} from '../pull/libav/wire.ts'
import type { PacketConsumer } from './packet-consumer.ts'

/** Packets are gathered up to this size, or for this long: a write costs more than what is in it. */
const GATHER_BYTES = 64 * 1024
const GATHER_MS = 20

/** Two seconds of 30 Mbit/s: a reader that is so far behind does not come back. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024

/** After a pause of this length what was begun is over: the reader gives out what it still holds. */
const PAUSE_MS = 200

/** A reader has what it was given by then, or something is wrong with it. */
const DRAIN_MS = 1_000

/** A multiplex that we can take. */
export interface MultiplexFormat {
  readonly encoding: 'MP2T'
  readonly payloadType: number
  readonly clockRateHz: number
}

export interface MultiplexReceiverOptions {
  readonly stream: Stream
  readonly damaged: 'drop' | 'keep'
  readonly readers: ReaderSlots
  /** What errors call the source. */
  readonly shown: string
  readonly log: Logger
}

/**
 * An MPEG transport stream in RTP packets (RFC 2250 §2) → tracks of a stream, taken apart by libavformat in a process of
 * its own: access units come as they were sent, at the times that the transport stream gives them.
 */
export class MultiplexReceiver implements PacketConsumer, FrameSink {
  readonly #options: MultiplexReceiverOptions
  readonly #tracks = new Map<number, TrackInput>()
  #reader: { readonly process: ReadingProcess; readonly frames: FrameReader } | undefined
  #gathered = Buffer.allocUnsafe(GATHER_BYTES)
  #length = 0
  #sending: NodeJS.Timeout | undefined
  #pausing: NodeJS.Timeout | undefined
  #lostPackets = 0
  #error: Error | undefined
  /** Resolves when the reader is over; made when somebody waits for it. */
  #idle: PromiseWithResolvers<void> | undefined
  #isDisposed = false

  constructor(options: MultiplexReceiverOptions) {
    this.#options = options
  }

  get unusable(): string | undefined {
    return undefined
  }

  get isBusy(): boolean {
    return this.#reader !== undefined && this.#error === undefined
  }

  push(packet: RtpPacket, lostBefore: number): void {
    this.#throwIfFailed()
    clearTimeout(this.#pausing)
    this.#pausing = undefined
    this.#lostPackets += lostBefore
    const { bytes, payloadStart, payloadEnd } = packet
    for (let at = payloadStart; at < payloadEnd; ) {
      const taken = Math.min(payloadEnd - at, GATHER_BYTES - this.#length)
      this.#gathered.set(bytes.subarray(at, at + taken), this.#length)
      this.#length += taken
      at += taken
      if (this.#length === GATHER_BYTES) this.#send()
    }
    this.#sending ??= setTimeout(() => this.#attempt(() => this.#send()), GATHER_MS)
  }

  tick(): void {
    this.#throwIfFailed()
  }

  flush(): void {
    // A source that begins anew goes on at once; one that has said goodbye does not.
    this.#pausing ??= setTimeout(() => {
      this.#attempt(() => this.#send())
      this.#reader?.process.endMedia()
    }, PAUSE_MS)
  }

  async drain(): Promise<void> {
    this.#idle ??= Promise.withResolvers()
    this.#attempt(() => this.#send())
    if (!this.isBusy) return
    this.#reader?.process.endMedia()
    await within(DRAIN_MS, this.#idle.promise)
  }

  opened({ format, left }: OpenedFrame): void {
    if (left.length > 0) this.#options.log.info({ event: 'rtp.media-left', left })
    else this.#options.log.debug({ event: 'rtp.multiplex-opened', format })
  }

  track(frame: TrackFrame): void {
    const known = this.#tracks.get(frame.trackId)
    const { stream, damaged } = this.#options
    if (known !== undefined) known.changed(frame)
    else this.#tracks.set(frame.trackId, new TrackInput(stream, frame, damaged === 'keep'))
  }

  place(trackId: number, bytes: number): Reservation {
    return this.#known(trackId).place(bytes)
  }

  accessUnit(head: UnitHead, reservation: Reservation): void {
    const track = this.#known(head.trackId)
    if (this.#lostPackets > 0) track.packetsLost(this.#lostPackets)
    this.#lostPackets = 0
    track.write(head, reservation)
  }

  over({ how, message, reasons }: OverFrame): void {
    const { shown } = this.#options
    this.#reader = undefined
    this.#idle?.resolve()
    if (how === 'ended' || how === 'stopped') return
    if (how === 'nothing') throw new PullNothingPlayableError(shown, reasons.length > 0 ? reasons : ['no tracks'])
    throw new PullFormatError(shown, message)
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    clearTimeout(this.#sending)
    clearTimeout(this.#pausing)
    for (const track of this.#tracks.values()) track[Symbol.dispose]()
    this.#reader?.frames[Symbol.dispose]()
    // Its end is nobody's to wait for: the slot is free when it is gone.
    void this.#reader?.process.end()
    this.#reader = undefined
  }

  #begin(): { readonly process: ReadingProcess; readonly frames: FrameReader } {
    const slot = this.#options.readers.take()
    const frames = new FrameReader(this)
    const reader = {
      frames,
      process: new ReadingProcess(pipedTask(), {
        received: (bytes) => this.#attempt(() => frames.push(bytes)),
        exited: (how) => {
          slot[Symbol.dispose]()
          if (this.#reader?.frames === frames) this.#failed(new PullReaderError(`it ended with ${how}`))
        },
      }),
    }
    this.#options.log.debug({ event: 'rtp.reader-started', pid: reader.process.pid })
    return reader
  }

  #send(): void {
    clearTimeout(this.#sending)
    this.#sending = undefined
    if (this.#length === 0) return
    this.#reader ??= this.#begin()
    const waitingBytes = this.#reader.process.give(this.#gathered.subarray(0, this.#length))
    // The pipe has it as long as it takes.
    this.#gathered = Buffer.allocUnsafe(GATHER_BYTES)
    this.#length = 0
    if (waitingBytes > MAX_WAITING_BYTES) throw new PullReaderError(`${waitingBytes} bytes wait for it`)
  }

  #known(trackId: number): TrackInput {
    const track = this.#tracks.get(trackId)
    if (track === undefined) throw new PullReaderError(`an access unit of track ${trackId}, which is not there`)
    return track
  }

  #attempt(work: () => void): void {
    if (this.#isDisposed || this.#error !== undefined) return
    try {
      work()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Told with the next packet, which is when somebody listens. */
  #failed(error: unknown): void {
    if (this.#isDisposed || this.#error !== undefined) return
    if (!(error instanceof TapedeckError)) this.#options.log.error({ event: 'rtp.unexpected', err: error })
    this.#error = error instanceof Error ? error : new PullReaderError(String(error))
    this.#idle?.resolve()
    this.#options.log.debug({ event: 'rtp.reader-failed', reason: errorMessage(error) })
  }

  #throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error
  }
}
