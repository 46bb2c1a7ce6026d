import { useEffect, useRef, useState } from 'preact/hooks'
import type { StreamDocument } from '../api/documents.ts'
import { codecName } from '../codec-names.ts'
import { canPlay } from '../live/playability.ts'
import { acceptsBrowsers } from '../live/publish-points.ts'
import { useApp } from '../state/context.ts'
import { useOnScreen } from '../state/use-on-screen.ts'
import { useStore } from '../state/use-store.ts'
import { Icon } from './icon.tsx'
import { Mp4Picture } from './mp4-picture.tsx'
import { WebRtcPicture } from './webrtc-picture.tsx'

/** The stream as it is now, while it is on screen and one of the few places for pictures is free. */
export function LivePicture({ stream, rank }: { stream: StreamDocument; rank: number }) {
  const { pictures, ways, feed } = useApp()
  const { server } = useStore(feed.state)
  const frame = useRef<HTMLDivElement>(null)
  // A ref: another stream's coming or going changes our rank, and must not end our picture.
  const rankNow = useRef(rank)
  rankNow.current = rank
  const isOnScreen = useOnScreen(frame)
  const [isWanted, setWanted] = useState(false)
  const [hasPlace, setHasPlace] = useState(false)
  const [, setFallenBack] = useState(0)
  const hasVideo = stream.tracks.some((track) => track.kind === 'video')
  const way = ways.wayOf(stream.id, server !== undefined && acceptsBrowsers(server.publish))
  const isPlayable = way === 'webrtc' || canBePlayed(stream)
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
        way === 'webrtc' ? (
          <WebRtcPicture
            stream={stream}
            onImpossible={(error) => {
              ways.failed(stream.id, error)
              setFallenBack((times) => times + 1)
            }}
          />
        ) : (
          <Mp4Picture stream={stream} reason={ways.reasonAgainst(stream.id)} />
        )
      ) : (
        <div class="picture-note">
          {isPlayable ? (
            <button type="button" class="quiet" aria-label={`Show ${stream.path}`} onClick={() => setWanted(true)}>
              <Icon name="play" /> {hasVideo ? 'Show picture' : 'Listen'}
            </button>
          ) : (
            <p>
              {ways.reasonAgainst(stream.id) ?? `This browser can't play ${codecList(stream)}.`} Recording is not
              affected.
            </p>
          )}
        </div>
      )}
    </div>
  )
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
