import type { TakeState } from '../capture/take.ts'
import { formatBytes, formatDuration, isoDuration } from '../format.ts'
import { useApp } from '../state/context.ts'
import { useNowMs } from '../state/use-now.ts'
import { Icon } from './icon.tsx'

/** Stop, pause and how long it has run, while this browser is recorded. */
export function TakeControls({ state }: { state: TakeState & { phase: 'running' | 'stopping' | 'starting' } }) {
  const { take } = useApp()
  if (state.phase === 'starting') return <p role="status">{STARTING[state.keeper]}</p>
  if (state.phase === 'stopping') return <p role="status">{STOPPING[state.keeper]}</p>
  const { isPaused, isReconnecting, keeper } = state
  return (
    <div class="row take-controls">
      <button type="button" class="primary" onClick={() => void take.stop()}>
        <span class="stop-square" aria-hidden="true" /> Stop
      </button>
      <button type="button" aria-pressed={isPaused} onClick={() => (isPaused ? take.resume() : take.pause())}>
        <Icon name="pause" /> {keeper === 'server' ? 'Hide and mute' : 'Pause'}
      </button>
      <RunningTime state={state} />
      {isReconnecting && (
        <p class="reason" role="status">
          The connection broke. Trying again, into the same recording…
        </p>
      )}
    </div>
  )
}

function RunningTime({ state }: { state: TakeState & { phase: 'running' } }) {
  const nowMs = useNowMs(250)
  const { isPaused, keeper, pausedAtMs } = state
  const untilMs = isPaused && keeper === 'browser' ? pausedAtMs : nowMs
  const elapsedMs = untilMs - state.sinceMs
  return (
    <span class="facts figures">
      <time dateTime={isoDuration(elapsedMs)}>{formatDuration(elapsedMs)}</time>
      {keeper === 'browser' && <span>{formatBytes(state.bytes)}</span>}
    </span>
  )
}

const STARTING = { server: 'Connecting…', browser: 'Starting…' } as const
const STOPPING = { server: 'Finishing the file on the server…', browser: 'Finishing the file…' } as const
