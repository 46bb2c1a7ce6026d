/** Wait before the first attempt to reconnect; doubles with every failure in a row. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 15_000
/** A picture that stands for this long has lost its connection without an event telling so. */
const STALL_MS = 10_000
const CHECK_MS = 1_000
/** Further behind the newest picture than this, play a little faster until close again. */
const CATCH_UP_ABOVE_S = 2.5
const CAUGHT_UP_BELOW_S = 1
const CATCH_UP_RATE = 1.15

/** What becomes of a live picture. */
export interface LiveCallbacks {
  readonly onPlaying: () => void
  /** The connection broke or ended; it is tried again after a pause. */
  readonly onInterrupted: () => void
  /** Asked before each reconnect: false when the stream is gone or the server has a reason not to serve it. */
  readonly mayReconnect: () => Promise<boolean>
}

/**
 * Plays an endless MP4 in a muted video element for as long as it can be had, near its live end. Returns the way to stop,
 * which closes the connection.
 */
export function followLive(video: HTMLVideoElement, url: string, callbacks: LiveCallbacks): () => void {
  let stopped = false
  let failures = 0
  let lastTime = -1
  let stoodMs = 0
  let retryTimer: ReturnType<typeof setTimeout> | undefined

  const connect = () => {
    lastTime = -1
    stoodMs = 0
    video.src = url
    // Rejects when autoplay is forbidden or the source fails; the latter is told by the error event too.
    video.play().catch(() => {})
  }
  const interrupted = () => {
    if (stopped || retryTimer !== undefined) return
    callbacks.onInterrupted()
    disconnect(video)
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
    retryTimer = setTimeout(async () => {
      const goOn = await callbacks.mayReconnect()
      retryTimer = undefined
      if (!stopped && goOn) connect()
    }, delayMs)
  }
  const playing = () => {
    failures = 0
    callbacks.onPlaying()
  }
  const check = () => {
    if (retryTimer !== undefined) return
    stoodMs = video.currentTime === lastTime ? stoodMs + CHECK_MS : 0
    lastTime = video.currentTime
    if (stoodMs >= STALL_MS) interrupted()
    else catchUp(video)
  }

  video.addEventListener('playing', playing)
  video.addEventListener('ended', interrupted)
  video.addEventListener('error', interrupted)
  const checkTimer = setInterval(check, CHECK_MS)
  connect()
  return () => {
    stopped = true
    clearTimeout(retryTimer)
    clearInterval(checkTimer)
    video.removeEventListener('playing', playing)
    video.removeEventListener('ended', interrupted)
    video.removeEventListener('error', interrupted)
    disconnect(video)
  }
}

/** Taking the address away and loading nothing is how a media element gives up its connection (HTML, 4.8.11.5). */
function disconnect(video: HTMLVideoElement): void {
  video.removeAttribute('src')
  video.load()
}

function catchUp(video: HTMLVideoElement): void {
  const ranges = video.buffered
  if (ranges.length === 0) return
  const behindSeconds = ranges.end(ranges.length - 1) - video.currentTime
  if (behindSeconds > CATCH_UP_ABOVE_S) video.playbackRate = CATCH_UP_RATE
  else if (behindSeconds < CAUGHT_UP_BELOW_S) video.playbackRate = 1
}
