import { type Session, TapedeckError } from '../../../client/src/index.ts'

/** A live picture is wanted at once: who needs longer gets MP4. */
const CONNECT_TIMEOUT_MS = 4_000
/** From the connection to the first picture; encoders with key frames far apart take their time. */
const PICTURE_TIMEOUT_MS = 5_000
const RETRY_MS = 1_000

/** What becomes of a live picture by WebRTC. */
export interface WebRtcCallbacks {
  readonly onPlaying: () => void
  /** The connection broke or ended; it is tried again after a pause. */
  readonly onInterrupted: () => void
  /** It does not work this way: nothing is tried any more. */
  readonly onImpossible: (error: TapedeckError) => void
  /** Asked before each reconnect: false when the stream is gone. */
  readonly mayReconnect: () => Promise<boolean>
}

/** Plays a live stream by WHEP for as long as it can be had. Returns the way to stop. */
export function followWebRtc(
  video: HTMLVideoElement,
  session: Session,
  path: string,
  callbacks: WebRtcCallbacks,
): () => void {
  let stopped = false
  let hasPlayed = false
  let wasEndedEarly = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let player = session.createPlayer(path, video)

  const playing = () => {
    clearTimeout(timer)
    hasPlayed = true
    callbacks.onPlaying()
  }
  const impossible = (error: TapedeckError) => {
    if (stopped) return
    stop()
    callbacks.onImpossible(error)
  }
  const broken = (error: TapedeckError) => {
    if (stopped) return
    // What has worked may work again: a stream that ends and comes back looks just like this. And what the server ended
    // before the first picture, it refuses with its reason when asked again.
    const mayTry = hasPlayed || (error.code === 'client/connection-lost' && !wasEndedEarly)
    if (!mayTry) return impossible(error)
    wasEndedEarly = !hasPlayed
    hasPlayed = false
    callbacks.onInterrupted()
    clearTimeout(timer)
    timer = setTimeout(async () => {
      if ((await callbacks.mayReconnect()) && !stopped) connect()
    }, RETRY_MS)
  }
  const connect = () => {
    player = session.createPlayer(path, video, { reconnectSeconds: 0, connectTimeoutMs: CONNECT_TIMEOUT_MS })
    player.on('state', (state, error) => {
      if (state === 'failed' && error !== undefined) broken(error)
    })
    // Why it failed comes with its state, too.
    player.start().then(
      () => {
        if (!hasPlayed && !stopped) timer = setTimeout(() => impossible(noPicture()), PICTURE_TIMEOUT_MS)
      },
      () => {},
    )
  }
  const stop = () => {
    stopped = true
    clearTimeout(timer)
    video.removeEventListener('playing', playing)
    void player.stop()
  }

  video.addEventListener('playing', playing)
  connect()
  return stop
}

function noPicture(): TapedeckError {
  return new TapedeckError('client/no-picture', 'This browser got no picture by WebRTC.')
}
