import { TapedeckError } from '#base/error.ts'

/** The stream's pictures are in a codec that the player does not have. Pictures are never transcoded. */
export class PlayerLacksCodecError extends TapedeckError {
  readonly code = 'webrtc/player-lacks-codec'
  readonly origin = 'client'
  readonly path: string
  /** Of the stream. */
  readonly codec: string
  /** What the player offered to take. */
  readonly offered: readonly string[]
  constructor(path: string, codec: string, offered: readonly string[]) {
    const has = offered.length === 0 ? 'none' : offered.join(', ')
    super(
      `${path} carries ${codec}, and the player takes ${has}: publish in a codec it has, or play live.mp4, RTMP or RTSP`,
    )
    this.path = path
    this.codec = codec
    this.offered = offered
  }
}

/** Browsers show pictures of WebRTC in the order they are decoded: with B-frames they stop. */
export class ReorderedPicturesError extends TapedeckError {
  readonly code = 'webrtc/reordered-pictures'
  readonly origin = 'publisher'
  readonly path: string
  constructor(path: string) {
    super(
      `${path} has B-frames, which WebRTC players cannot show: switch them off in the encoder (x264: bframes=0, or tune zerolatency), or play live.mp4`,
    )
    this.path = path
  }
}

/** A track goes on as something that was not agreed on with the player. */
export class FormatReplacedError extends TapedeckError {
  readonly code = 'webrtc/format-replaced'
  readonly origin = 'publisher'
  readonly path: string
  readonly codec: string
  constructor(path: string, codec: string) {
    super(`${path} goes on with ${codec}, which the player does not expect: ask for it again`)
    this.path = path
    this.codec = codec
  }
}
