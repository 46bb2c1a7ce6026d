/** What a publisher says besides its tracks (a cue point, a text), as it came: AMF, which RTMP and FLV both carry. */
export interface DataMessage {
  /** Adobe AMF 0 specification, or as RTMP's AMF3 data messages have it: a zero byte, then AMF0 that switches to AMF3. */
  readonly encoding: 'amf0' | 'amf3'
  /** On the clock of the stream's tracks, milliseconds. */
  readonly timeMs: number
  /** Memory of its own, never changed. */
  readonly body: Uint8Array
}

/** Longer ones are not taken in: they would be kept, and sent to everybody. */
export const MAX_DATA_BYTES = 64 * 1024

/** The object around a body of a few bytes, roughly. */
const OBJECT_BYTES = 128

/** What a queue that is bounded in bytes counts for one. */
export const heldBytes = (message: DataMessage): number => message.body.length + OBJECT_BYTES
