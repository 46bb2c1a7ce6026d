import { useEffect, useState } from 'preact/hooks'
import type { Keeper, TakeState } from '../capture/take.ts'
import { acceptsBrowsers } from '../live/publish-points.ts'
import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'
import { CaptureFields, Segments } from './capture-fields.tsx'
import { CapturePreview } from './capture-preview.tsx'
import { Field } from './field.tsx'
import { PageTitle } from './page-title.tsx'
import { TakeControls } from './take-controls.tsx'
import { TakeResult } from './take-result.tsx'

const KEEPERS = [
  { value: 'server', label: 'On the server' },
  { value: 'browser', label: 'In this browser' },
] as const

const KEEPER_WORDS = {
  server: 'Published as a live stream and recorded there. What was sent is safe, even if this tab or machine dies.',
  browser:
    'Nothing is sent. The copy is as sharp as the camera, whatever the network does, and can go to the library afterwards.',
} as const

/** Records this browser: its camera, microphone or screen, on the server or in the browser; then the file plays here. */
export function RecordPage() {
  const { capture, take } = useApp()
  const captured = useStore(capture.state)
  const state = useStore(take.state)
  const isBusy = take.isBusy

  useEffect(() => capture.followDevices(), [capture])
  useEffect(() => {
    // Nobody is asked anything then: what is in the way is said before anything is filled in.
    if (!isSecureContext) void capture.open()
  }, [capture])
  useEffect(
    () => () => {
      // A recording goes on while its owner looks around; a camera that records nothing does not stay on.
      if (!take.isBusy) capture.close()
    },
    [capture, take],
  )
  useEffect(() => {
    if (!isBusy) return undefined
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [isBusy])

  return (
    <section aria-labelledby="page-title" class="record-page">
      <PageTitle text="Record this browser" />
      <div class="record-layout">
        <CapturePreview state={captured} badge={badgeOf(state)} />
        <div class="panel form">
          {isInProgress(state) ? (
            <>
              <h2>{state.name}</h2>
              <p class="muted">{KEEPER_WORDS[state.keeper]}</p>
              <TakeControls state={state} />
            </>
          ) : (
            <StartForm />
          )}
        </div>
      </div>
      <TakeResult state={state} />
    </section>
  )
}

function StartForm() {
  const { capture, take, feed } = useApp()
  const captured = useStore(capture.state)
  const { server } = useStore(feed.state)
  const takesWebRtc = server !== undefined && acceptsBrowsers(server.publish)
  const [keeper, setKeeper] = useState<Keeper>(takesWebRtc ? 'server' : 'browser')
  const [name, setName] = useState(suggestedName)
  const [problem, setProblem] = useState<string>()

  const start = async (event: SubmitEvent) => {
    event.preventDefault()
    const path = name.trim()
    if (path === '') return setProblem('say how the stream is to be called, e.g. live/me')
    if (capture.state.value.media === undefined) await capture.open()
    const { media } = capture.state.value
    if (media !== undefined) await take.start(keeper, path, media)
  }
  return (
    <form class="form-fields" noValidate aria-label="What to record" onSubmit={(event) => void start(event)}>
      <CaptureFields state={captured} />
      <Segments
        legend="Kept"
        name="capture-keeper"
        value={keeper}
        options={takesWebRtc ? KEEPERS : KEEPERS.filter(({ value }) => value === 'browser')}
        onChoose={setKeeper}
      />
      <p class="hint keeper-hint">
        {KEEPER_WORDS[keeper]}
        {!takesWebRtc && ' This server takes no streams from browsers: webrtc.udp is not set.'}
      </p>
      <Field id="capture-name" label="Name" hint="The path of the stream, and by it of the file." problem={problem}>
        {(control) => (
          <input
            {...control}
            type="text"
            class="wide code"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={name}
            onInput={(event) => {
              setName(event.currentTarget.value)
              setProblem(undefined)
            }}
          />
        )}
      </Field>
      <div class="row">
        <button type="submit" class="primary record-button" disabled={captured.isOpening}>
          <span class="record-dot" aria-hidden="true" /> Record
        </button>
      </div>
    </form>
  )
}

/** `live/me-1042`: short, and seldom taken. */
function suggestedName(): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const now = new Date()
  return `live/me-${two(now.getHours())}${two(now.getMinutes())}`
}

function isInProgress(state: TakeState): state is TakeState & { phase: 'running' | 'stopping' | 'starting' } {
  return state.phase === 'starting' || state.phase === 'running' || state.phase === 'stopping'
}

function badgeOf(state: TakeState): string {
  if (state.phase !== 'running') return ''
  if (state.isPaused) return state.keeper === 'server' ? 'Hidden and muted' : 'Paused'
  return state.isReconnecting ? 'Reconnecting' : 'Recording'
}
