import { useEffect, useRef, useState } from 'preact/hooks'
import type { StreamDocument } from '../api/documents.ts'
import { codecName } from '../codec-names.ts'
import { followLive } from '../live/follow-live.ts'
import { canPlay } from '../live/playability.ts'
import { useApp } from '../state/context.ts'
import { useOnScreen } from '../state/use-on-screen.ts'
import { Icon } from './icon.tsx'

type Phase = 'idle' | 'connecting' | 'playing' | 'interrupted'

/** The stream as it is now, while it is on screen and one of the few connections for pictures is free. */
export function LivePicture({ stream, rank }: { stream: StreamDocument; rank: number }) {
  const { pictures } = useApp()
  const frame = useRef<HTMLDivElement>(null)
  // A ref: another stream's coming or going changes our rank, and must not end our picture.
  const rankNow = useRef(rank)
  rankNow.current = rank
  const isOnScreen = useOnScreen(frame)
  const [isWanted, setWanted] = useState(false)
  const [hasPlace, setHasPlace] = useState(false)
  const hasVideo = stream.tracks.some((track) => track.kind === 'video')
  const isPlayable = canBePlayed(stream)
  const shouldPlay = isOnScreen && isPlayable && stream.tracks.length > 0

  useEffect(() => {
    if (!shouldPlay) return undefined
    const giveBack = pictures.ask({
      wanted: isWanted,
      rank: rankNow.current,
      onGranted: () => setHasPlace(true),
      onRevoked: () => {
        setHasPlace(false)
        setWanted(false)
      },
    })
    return () => {
      giveBack()
      setHasPlace(false)
    }
  }, [pictures, shouldPlay, isWanted])

  return (
    <div class="picture" ref={frame}>
      {hasPlace && shouldPlay ? (
        <PlayingPicture stream={stream} />
      ) : (
        <div class="picture-note">
          {isPlayable ? (
            <button type="button" class="quiet" aria-label={`Show ${stream.path}`} onClick={() => setWanted(true)}>
              <Icon name="play" /> {hasVideo ? 'Show picture' : 'Listen'}
            </button>
          ) : (
            <p>This browser can't play {codecList(stream)}. Recording is not affected.</p>
          )}
        </div>
      )}
    </div>
  )
}

function PlayingPicture({ stream }: { stream: StreamDocument }) {
  const { client, feed } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const [phase, setPhase] = useState<Phase>('connecting')
  const [problem, setProblem] = useState('')
  const [isMuted, setMuted] = useState(true)
  const hasVideo = stream.tracks.some((track) => track.kind === 'video')
  const hasAudio = stream.tracks.some((track) => track.kind === 'audio')
  const { id, path } = stream

  useEffect(() => {
    const element = video.current
    if (element === null) return undefined
    const url = client.liveUrl(path)
    return followLive(element, url, {
      onPlaying: () => setPhase('playing'),
      onInterrupted: () => setPhase('interrupted'),
      async mayReconnect() {
        await feed.refresh()
        const isStillLive = feed.state.value.streams?.some((live) => live.id === id)
        if (isStillLive !== true) return false
        const refusal = await client.mediaProblem(url)
        setProblem(refusal?.message ?? '')
        return refusal === undefined
      },
    })
  }, [client, feed, id, path])

  return (
    <>
      <video ref={video} muted={isMuted} autoplay playsInline aria-label={`Live picture of ${path}`} />
      {!hasVideo && phase === 'playing' && <p class="picture-note">Sound only</p>}
      {phase !== 'playing' && <p class="picture-note">{problem !== '' ? problem : WORDS[phase]}</p>}
      <span class="live-badge">Live</span>
      {hasAudio && (
        <button
          type="button"
          class="icon-button sound"
          aria-label={isMuted ? `Hear ${path}` : `Mute ${path}`}
          onClick={() => setMuted(!isMuted)}
        >
          <Icon name={isMuted ? 'muted' : 'sound'} />
        </button>
      )}
    </>
  )
}

const WORDS: Readonly<Record<Phase, string>> = {
  idle: '',
  connecting: 'Connecting…',
  playing: '',
  interrupted: 'Picture interrupted, reconnecting…',
}

function canBePlayed(stream: StreamDocument): boolean {
  const probe = document.createElement('video')
  return canPlay(
    'mp4',
    stream.tracks.map((track) => track.codecString),
    (type) => probe.canPlayType(type),
  )
}

function codecList(stream: StreamDocument): string {
  return stream.tracks.map((track) => codecName(track.codec)).join(' with ')
}
