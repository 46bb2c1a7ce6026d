import { setTimeout as sleep } from 'node:timers/promises'
import { amfFields } from '#media/flv/amf-value.ts'
import { decodeCommand, MessageType } from '#protocols/rtmp/message.ts'
import type { SourceUnit } from './elementary-source.ts'
import { RtmpClient } from './rtmp-client.ts'
import { sendConfiguration, sendUnit } from './rtmp-media.ts'

const TICK_MS = 5
const WAIT_MS = 60_000

export interface TypedPublisherOptions {
  /** `rtmp://host:port` of the server. */
  readonly rtmp: string
  readonly app: string
  readonly name: string
  /** Of the publish command; absent: none is sent. */
  readonly type?: string
  readonly units: readonly SourceUnit[]
  /** Multiple of real time. Default 4. */
  readonly speed?: number
}

/** One onStatus a publisher was sent. */
export interface SeenStatus {
  readonly code: string
  readonly level: string
  readonly details: string
}

/** An encoder that publishes with a type and remembers all it is told. */
export class TypedPublisher implements Disposable {
  readonly client: RtmpClient
  readonly #units: readonly SourceUnit[]
  readonly #speed: number
  #stopped = false
  readonly done: Promise<void>

  private constructor(client: RtmpClient, { units, speed = 4 }: TypedPublisherOptions) {
    this.client = client
    this.#units = units
    this.#speed = speed
    this.done = this.#run()
  }

  /** Connects, publishes and begins to send. @throws when the server does not take the stream */
  static async start(options: TypedPublisherOptions): Promise<TypedPublisher> {
    const { rtmp, app, name, type } = options
    const client = await RtmpClient.open(Number(new URL(rtmp).port), app)
    const code = await client.status('publish', name, ...(type === undefined ? [] : [type]))
    if (code !== 'NetStream.Publish.Start') {
      client[Symbol.dispose]()
      throw new Error(`publishing ${name}: ${code}`)
    }
    return new TypedPublisher(client, options)
  }

  /** Publishes the whole source and says goodbye; gives everything it was told. */
  static async publish(options: TypedPublisherOptions): Promise<readonly SeenStatus[]> {
    using publisher = await TypedPublisher.start(options)
    await publisher.done
    return await publisher.finish()
  }

  get statuses(): readonly SeenStatus[] {
    return this.client.received
      .filter(({ typeId }) => typeId === MessageType.command)
      .map((message) => decodeCommand(message))
      .filter(({ name }) => name === 'onStatus')
      .map(({ args }) => {
        const { code, level, details } = amfFields(args[1])
        return { code: String(code), level: String(level), details: String(details ?? '') }
      })
  }

  get codes(): readonly string[] {
    return this.statuses.map(({ code }) => code)
  }

  /** Waits until it was told so. @throws when it never is */
  async until(code: string): Promise<void> {
    for (const endMs = performance.now() + WAIT_MS; !this.codes.includes(code); await sleep(TICK_MS)) {
      if (performance.now() > endMs) throw new Error(`not told ${code}, but ${this.codes.join(', ')}`)
    }
  }

  /** Says goodbye as encoders do and waits for the answer; gives everything it was told. */
  async finish(): Promise<readonly SeenStatus[]> {
    this.#stopped = true
    await this.done
    this.client.deleteStream()
    await this.until('NetStream.Unpublish.Success')
    return this.statuses
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    this.client[Symbol.dispose]()
  }

  async #run(): Promise<void> {
    const { socket } = this.client
    for (const format of new Set(this.#units.map((unit) => unit.format))) sendConfiguration(this.client, format)
    const startMs = performance.now()
    for (const unit of this.#units) {
      const dueMs = (unit.dts * 1000) / unit.format.timescale / this.#speed
      while (performance.now() - startMs < dueMs && !this.#stopped) await sleep(TICK_MS)
      if (this.#stopped || socket.destroyed) return
      sendUnit(this.client, unit)
    }
  }
}
