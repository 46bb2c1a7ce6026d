import type { Stream } from '#hub/stream.ts'
import type { AmfValue } from '#media/flv/amf-value.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import type { StreamTarget } from './stream-name.ts'

/**
 * What front-end code may add to RTMP sessions: its own names for streams, what happens beside a publication, and
 * commands of its own. At most one per server. What it throws besides refusals is logged and costs its caller only.
 */
export interface RtmpExtension {
  /**
   * How long a connection may wait that neither publishes nor plays nor has made a call that was answered. The
   * configuration's idle timeout, where that is longer.
   */
  readonly callerPatienceMs?: number
  /**
   * The path of a stream that is to be published or played; undefined: the server's own rule.
   * @throws {TapedeckError} refused: the caller is told so
   */
  target?(request: StreamRequest): StreamTarget | undefined
  /**
   * The stream is live and NetStream.Publish.Start was sent. Called before the publisher's first media.
   * @param status sends an onStatus to the publisher, as long as there is one
   */
  published?(request: PublishRequest, stream: Stream, status: SendStatus): PublishedHandle | undefined
  /**
   * A command the server does not know, from a connection that need not publish anything. Undefined: nobody knows it.
   * Resolves to the value of its `_result`; what it throws becomes the `_error`.
   */
  command?(call: RtmpCall): Promise<AmfEncodable> | undefined
}

/** What `connect` said, and who said it. */
export interface RtmpCaller {
  readonly connectionId: string
  readonly protocol: 'rtmp' | 'rtmps'
  /** IP address, without a port. */
  readonly remoteAddress: string
  readonly encoder: string
  /** First component of the application's path, without its query. */
  readonly app: string
  /** The other components; empty for the default instance. */
  readonly instance: string
  /** Of the URL and the application. */
  readonly query: Readonly<Record<string, string>>
}

/** Somebody asks to publish or play. */
export interface StreamRequest extends RtmpCaller {
  readonly action: 'publish' | 'play'
  /** As sent, with prefix and query. */
  readonly name: string
}

/** A publication, as it was asked for. */
export interface PublishRequest extends StreamRequest {
  /** As sent: `live`, `record`, `append` … in any case of letters; empty when absent. */
  readonly publishType: string
}

/** A call of a connection. */
export interface RtmpCall extends RtmpCaller {
  readonly name: string
  /** The command object and everything after it. */
  readonly args: readonly AmfValue[]
  /** Paths of the streams this connection publishes, oldest first. */
  readonly published: readonly string[]
}

/** Sends an onStatus about a publication. */
export type SendStatus = (level: 'status' | 'error', code: string, description: string) => void

/** Something that goes on beside a publication. */
export interface PublishedHandle {
  /**
   * The publication has ended. NetStream.Unpublish.Success waits for this, but no longer than
   * {@link END_PATIENCE_MS}. Must not throw.
   */
  end(): Promise<void>
}

/** How long a publisher waits for its farewell at most. */
export const END_PATIENCE_MS = 5_000
