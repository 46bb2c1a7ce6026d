import { MediaError, openMedia } from '../../../client/src/index.ts'
import { Store } from '../state/store.ts'

/** Where the picture comes from; `sound`: none, only the microphone. */
export type CaptureSource = 'camera' | 'screen' | 'sound'

/** A camera or microphone, as the browser names it once it may be used. */
export interface CaptureDevice {
  readonly id: string
  readonly label: string
}

/** What is captured, and what there would be to choose from. */
export interface CaptureState {
  readonly source: CaptureSource
  /** Empty: whichever the browser takes. */
  readonly cameraId: string
  readonly microphoneId: string
  readonly withMicrophone: boolean
  readonly cameras: readonly CaptureDevice[]
  readonly microphones: readonly CaptureDevice[]
  readonly media: MediaStream | undefined
  readonly isOpening: boolean
  readonly problem: MediaError | undefined
}

const NOTHING: CaptureState = {
  source: 'camera',
  cameraId: '',
  microphoneId: '',
  withMicrophone: true,
  cameras: [],
  microphones: [],
  media: undefined,
  isOpening: false,
  problem: undefined,
}

/** What the person chooses. */
export type CaptureChoice = Partial<Pick<CaptureState, 'source' | 'cameraId' | 'microphoneId' | 'withMicrophone'>>

/** Camera, microphone or screen of this browser, open while it is shown or recorded. */
export class Capture {
  readonly state = new Store<CaptureState>(NOTHING)
  /** Choices come faster than devices open: only the last one's device stays open. */
  #turn = 0

  /** Changes what is captured; reopens it when it is open. */
  async choose(choice: CaptureChoice): Promise<void> {
    const wasOpen = this.state.value.media !== undefined || this.state.value.isOpening
    const changesSource = choice.source !== undefined && choice.source !== this.state.value.source
    this.state.update((state) => ({ ...state, ...choice, problem: undefined }))
    // Screens are asked for by a click of their own; a camera may be on already.
    if (changesSource && (choice.source === 'screen' || this.state.value.source === 'screen')) return this.close()
    if (wasOpen) await this.open()
  }

  /** Asks the browser, which asks the person. What went wrong is in the state; never rejects. */
  async open(): Promise<void> {
    const turn = ++this.#turn
    this.#stopTracks()
    this.state.update((state) => ({ ...state, media: undefined, isOpening: true, problem: undefined }))
    try {
      const media = await openMedia(wantedOf(this.state.value))
      if (turn !== this.#turn) {
        stopAll(media)
        return
      }
      for (const track of media.getTracks()) track.addEventListener('ended', () => this.#lost(media))
      this.state.update((state) => ({ ...state, media, isOpening: false }))
      await this.#listDevices()
    } catch (error) {
      if (turn !== this.#turn) return
      const problem = error instanceof MediaError ? error : new MediaError('client/device-busy', String(error), error)
      this.state.update((state) => ({ ...state, isOpening: false, problem }))
    }
  }

  close(): void {
    this.#turn++
    this.#stopTracks()
    this.state.update((state) => ({ ...state, media: undefined, isOpening: false }))
  }

  /** Cameras and microphones come and go with their plugs. Returns the way to stop following. */
  followDevices(): () => void {
    const devices = navigator.mediaDevices as MediaDevices | undefined
    if (devices === undefined) return () => {}
    const list = () => void this.#listDevices()
    devices.addEventListener('devicechange', list)
    list()
    return () => devices.removeEventListener('devicechange', list)
  }

  /** Names are empty until something was allowed: there is nothing to choose by then. */
  async #listDevices(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => [])
    const named = (kind: MediaDeviceKind) =>
      all
        .filter((device) => device.kind === kind && device.label !== '' && device.deviceId !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label }))
    this.state.update((state) => ({ ...state, cameras: named('videoinput'), microphones: named('audioinput') }))
  }

  /** A pulled plug, or "stop sharing". What else there is goes on. */
  #lost(media: MediaStream): void {
    if (this.state.value.media !== media || media.active) return
    this.state.update((state) => ({
      ...state,
      media: undefined,
      problem: new MediaError(
        'client/no-device',
        state.source === 'screen'
          ? 'Sharing the screen was ended.'
          : 'The device is gone. Connect it again, or choose another.',
      ),
    }))
  }

  #stopTracks(): void {
    const { media } = this.state.value
    if (media !== undefined) stopAll(media)
  }
}

function wantedOf({ source, cameraId, microphoneId, withMicrophone }: CaptureState): Parameters<typeof openMedia>[0] {
  const microphone = microphoneId === '' ? true : { deviceId: { exact: microphoneId } }
  switch (source) {
    case 'screen':
      return { screen: true, audio: withMicrophone ? microphone : false }
    case 'sound':
      return { video: false, audio: microphone }
    case 'camera': {
      const size = { width: { ideal: 1280 }, height: { ideal: 720 } }
      const camera = cameraId === '' ? size : { ...size, deviceId: { exact: cameraId } }
      return { video: camera, audio: withMicrophone ? microphone : false }
    }
  }
}

function stopAll(media: MediaStream): void {
  for (const track of media.getTracks()) track.stop()
}
