import { useEffect, useRef } from 'preact/hooks'
import type { CaptureState } from '../capture/capture.ts'
import { captureWords } from '../capture/capture-words.ts'
import { useApp } from '../state/context.ts'
import { Icon } from './icon.tsx'
import { LevelMeter } from './level-meter.tsx'

const OPEN_WORDS = {
  camera: { icon: 'camera', text: 'Turn on the camera' },
  screen: { icon: 'screen', text: 'Choose a screen' },
  sound: { icon: 'microphone', text: 'Turn on the microphone' },
} as const

/** What will be, or is, recorded; and how loud it is. */
export function CapturePreview({ state, badge }: { state: CaptureState; badge: string }) {
  const { capture } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const { media, isOpening, problem } = state
  const hasPicture = (media?.getVideoTracks().length ?? 0) > 0
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = media ?? null
  }, [media])
  const { icon, text } = OPEN_WORDS[state.source]
  return (
    <div class="card capture">
      <div class="picture">
        <video ref={video} muted autoplay playsInline aria-label="Preview" hidden={!hasPicture} />
        {media !== undefined && !hasPicture && (
          <p class="picture-note">
            <span>
              <Icon name="microphone" /> Sound only
            </span>
          </p>
        )}
        {media === undefined && problem === undefined && (
          <div class="picture-note">
            {isOpening ? (
              <p role="status">Allow it in the browser’s question…</p>
            ) : (
              <button type="button" onClick={() => void capture.open()}>
                <Icon name={icon} /> {text}
              </button>
            )}
          </div>
        )}
        {problem !== undefined && <Problem state={state} />}
        {badge !== '' && <span class="live-badge capture-badge">{badge}</span>}
      </div>
      <LevelMeter media={media} />
    </div>
  )
}

function Problem({ state: { problem } }: { state: CaptureState }) {
  const { capture } = useApp()
  if (problem === undefined) return null
  const { title, advice } = captureWords(problem.code, { host: location.host, port: location.port })
  const mayTry = problem.code !== 'client/insecure-origin' && problem.code !== 'client/unsupported'
  return (
    <div class="picture-note">
      <div class="capture-problem" role="alert">
        <h2>{title}</h2>
        <p>{problem.message}</p>
        {advice !== '' && <p>{advice}</p>}
        {mayTry && (
          <button type="button" onClick={() => void capture.open()}>
            Try again
          </button>
        )}
      </div>
    </div>
  )
}
