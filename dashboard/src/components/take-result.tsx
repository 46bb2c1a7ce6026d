import { useEffect, useRef, useState } from 'preact/hooks'
import { type LocalCopy, TapedeckError } from '../../../client/src/index.ts'
import type { TakeState } from '../capture/take.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { useApp } from '../state/context.ts'
import { recordingHref } from '../state/route.ts'
import { useMay } from '../state/use-may.ts'
import { useRecording } from '../state/use-recording.ts'
import { Icon } from './icon.tsx'
import { Player } from './player.tsx'
import { RecordingActions } from './recording-actions.tsx'

/** What came of a recording of this browser: the file, playing, or why there is none. */
export function TakeResult({ state }: { state: TakeState }) {
  switch (state.phase) {
    case 'recorded':
      return <Recorded key={state.recordingId} id={state.recordingId} name={state.name} />
    case 'kept':
      return <Kept key={state.copy.startedAt.getTime()} copy={state.copy} name={state.name} />
    case 'failed':
      return (
        <div class="trouble" role="alert">
          <Icon name="warning" />
          <div>
            <h2>The recording failed</h2>
            <p>{state.problem.message}</p>
            <p class="facts">
              <code>{state.problem.code}</code>
              {state.recordingId !== undefined && (
                <a href={recordingHref(state.recordingId)}>What was recorded until then</a>
              )}
            </p>
          </div>
        </div>
      )
    default:
      return null
  }
}

function Recorded({ id, name }: { id: string; name: string }) {
  const { recording, problem } = useRecording(id)
  const [partIndex, setPartIndex] = useState(1)
  const title = useFocusedTitle()
  return (
    <section class="take-result" aria-labelledby="take-title">
      <h2 id="take-title" ref={title} tabIndex={-1}>
        Recorded: {name}
      </h2>
      {recording === undefined ? (
        <p class="empty" role="status">
          {problem ?? 'Loading…'}
        </p>
      ) : (
        <>
          <Player recording={recording} partIndex={partIndex} onPart={setPartIndex} />
          <p class="facts muted">
            <span>{formatDuration(recording.durationMs)}</span>
            <span>{formatBytes(recording.bytes)}</span>
            <a href={recordingHref(id)}>Everything about it</a>
          </p>
          <RecordingActions recording={recording} />
        </>
      )}
    </section>
  )
}

function Kept({ copy, name }: { copy: LocalCopy; name: string }) {
  const title = useFocusedTitle()
  const [url, setUrl] = useState('')
  useEffect(() => {
    const made = URL.createObjectURL(copy.file)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [copy])
  const fileName = `${name.replaceAll('/', '-')}-${copy.startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}${copy.extension}`
  return (
    <section class="take-result" aria-labelledby="take-title">
      <h2 id="take-title" ref={title} tabIndex={-1}>
        Kept in this browser: {name}
      </h2>
      <div class="player">
        {/* biome-ignore lint/a11y/useMediaCaption: recordings carry no captions */}
        {url !== '' && <video src={url} controls playsInline aria-label={`Local copy of ${name}`} />}
      </div>
      <p class="facts muted">
        <span>{formatDuration(copy.durationMs)}</span>
        <span>{formatBytes(copy.file.size)}</span>
        <span>{copy.mimeType}</span>
        {copy.isFull && <span class="reason">It had grown as large as it may, and was ended.</span>}
      </p>
      <p class="muted">It is only in this tab’s memory: download it or put it into the library before you leave.</p>
      <div class="row">
        <a class="button" href={url} download={fileName}>
          <Icon name="download" /> Download
        </a>
        <Upload copy={copy} name={name} />
      </div>
    </section>
  )
}

type UploadState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'sending'; readonly part: number }
  | { readonly phase: 'there'; readonly id: string }
  | { readonly phase: 'refused'; readonly problem: string }

function Upload({ copy, name }: { copy: LocalCopy; name: string }) {
  const { session, library } = useApp()
  const mayRecord = useMay('record')
  const [state, setState] = useState<UploadState>({ phase: 'idle' })
  const abort = useRef<AbortController | undefined>(undefined)
  const send = async () => {
    const controller = new AbortController()
    abort.current = controller
    setState({ phase: 'sending', part: 0 })
    try {
      const recording = await session().upload(copy.file, {
        stream: name,
        startedAt: copy.startedAt.toISOString(),
        signal: controller.signal,
        onProgress: (part) => setState({ phase: 'sending', part }),
      })
      setState({ phase: 'there', id: recording.id })
      void library.load()
    } catch (error) {
      const isCancelled = controller.signal.aborted
      const problem = error instanceof TapedeckError ? error.message : String(error)
      setState(isCancelled ? { phase: 'idle' } : { phase: 'refused', problem })
    }
  }
  if (!mayRecord) return null
  if (state.phase === 'there') {
    return (
      <p role="status">
        <Icon name="check" /> In the library: <a href={recordingHref(state.id)}>{name}</a>
      </p>
    )
  }
  const isSending = state.phase === 'sending'
  return (
    <>
      <button type="button" class="primary" disabled={isSending} onClick={() => void send()}>
        <Icon name="upload" /> Put into the library
      </button>
      {isSending && (
        <>
          <progress value={state.part} max={1} aria-label="Uploaded" />
          <button type="button" class="quiet" onClick={() => abort.current?.abort()}>
            Cancel
          </button>
        </>
      )}
      {state.phase === 'refused' && (
        <p class="reason" role="alert">
          {state.problem}
        </p>
      )}
    </>
  )
}

/** Reading goes on with what has come about. */
function useFocusedTitle() {
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => title.current?.focus({ preventScroll: true }), [])
  return title
}
