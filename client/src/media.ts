import { MediaError } from './errors.ts'

/** What is captured. `screen` takes the picture from a screen, window or tab, with its sound where the browser gives it. */
export interface CaptureOptions {
  /** Camera: any, or the one the constraints name. Default: any, unless `screen`. */
  readonly video?: boolean | MediaTrackConstraints
  /** Microphone: any, or the one the constraints name. Default: any. */
  readonly audio?: boolean | MediaTrackConstraints
  readonly screen?: boolean | DisplayMediaStreamOptions
}

/**
 * Opens camera, microphone or screen; the browser asks the person first. With a screen, a microphone is taken only when
 * `audio` says so.
 * @throws {MediaError} refused, not there, taken by another program, or forbidden on this address
 */
export async function openMedia(options: CaptureOptions = {}): Promise<MediaStream> {
  const devices = mediaDevices()
  const { screen = false } = options
  if (screen === false) {
    const { video = true, audio = true } = options
    return ask(() => devices.getUserMedia({ video, audio }), video === false ? 'microphone' : 'camera or microphone')
  }
  if (typeof devices.getDisplayMedia !== 'function') {
    throw new MediaError(
      'client/unsupported',
      'This browser cannot capture the screen. Computers can, phones mostly not.',
    )
  }
  const wanted = screen === true ? { video: true, audio: true } : screen
  const shown = await ask(() => devices.getDisplayMedia(wanted), 'screen')
  const { audio = false } = options
  if (audio === false) return shown
  try {
    const spoken = await ask(() => devices.getUserMedia({ audio }), 'microphone')
    // One sound a stream: who speaks matters more than what the screen plays.
    for (const track of shown.getAudioTracks()) {
      track.stop()
      shown.removeTrack(track)
    }
    for (const track of spoken.getAudioTracks()) shown.addTrack(track)
    return shown
  } catch (error) {
    for (const track of shown.getTracks()) track.stop()
    throw error
  }
}

/** Where the browser keeps cameras and microphones. @throws {MediaError} this page may not have any */
export function mediaDevices(): MediaDevices {
  if (!globalThis.isSecureContext) {
    throw new MediaError(
      'client/insecure-origin',
      'Browsers give camera, microphone and screen only to https:// pages and to http://localhost.',
    )
  }
  // Types say it is always there; browsers leave it out where it is switched off.
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (devices === undefined) {
    throw new MediaError('client/unsupported', 'This browser gives pages neither camera nor microphone.')
  }
  return devices
}

async function ask(open: () => Promise<MediaStream>, what: string): Promise<MediaStream> {
  try {
    return await open()
  } catch (error) {
    throw mediaErrorOf(error, what)
  }
}

/** W3C Media Capture and Streams §10.3, and what browsers say besides. */
export function mediaErrorOf(error: unknown, what: string): MediaError {
  const name = error instanceof Error ? error.name : ''
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
    case 'PermissionDeniedError':
      return new MediaError(
        'client/permission-denied',
        `The browser was not allowed to use the ${what}. Allow it beside the address bar, or in the system's settings, and try again.`,
        error,
      )
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return new MediaError('client/no-device', `There is no ${what}. Connect one, or choose another source.`, error)
    case 'OverconstrainedError':
      return new MediaError('client/no-device', `The ${what} asked for is not there any more. Choose another.`, error)
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return new MediaError(
        'client/device-busy',
        `The ${what} could not be started. Another program may be using it: close that one and try again.`,
        error,
      )
    case 'InvalidStateError':
      return new MediaError('client/permission-denied', `The ${what} can only be asked for by a click.`, error)
    case 'TypeError':
      return new MediaError('client/nothing-chosen', 'Choose a picture or a sound: there is nothing to capture.', error)
    default:
      return new MediaError('client/device-busy', `The ${what} could not be started: ${String(error)}`, error)
  }
}
