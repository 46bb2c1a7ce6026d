import { useEffect, useState } from 'preact/hooks'
import { useApp } from '../state/context.ts'

const WORDS: Readonly<Record<string, string>> = {
  'recording.waiting': 'is waiting for its stream',
  'recording.started': 'has started',
  'recording.ready': 'is ready',
  'recording.failed': 'has failed',
  'recording.deleted': 'was deleted',
  'recording.impaired': 'can not be written to the disk',
  'recording.resumed': 'is written to the disk again',
}

/** Says changes of state to those who don't see them; the badges say the same to the others. */
export function Announcer() {
  const { feed } = useApp()
  const [text, setText] = useState('')
  useEffect(
    () =>
      feed.onRecording(({ type, recording }) => {
        const words = WORDS[type]
        if (words !== undefined) setText(`Recording of ${recording.stream} ${words}.`)
      }),
    [feed],
  )
  return (
    <div class="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
