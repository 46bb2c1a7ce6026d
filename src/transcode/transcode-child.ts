// Runs in a process of its own (child-process.ts): native code that reads bytes a stranger sent. Decodes and encodes
// the sound of all tracks, one message after the other.
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import { encodersPresent } from './codec-encoder.ts'
import type { ChildInput, ChildOutput } from './messages.ts'
import { TranscodedTrack } from './track.ts'

const tracks = new Map<number, TranscodedTrack>()

Log.setLevel(AV_LOG_QUIET)
process.on('message', (message) => take(message as ChildInput))
process.on('disconnect', () => process.exit(0))
// Ctrl-C in the terminal of the server reaches the child as well, which has recordings to finish until it is told.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
tell({ kind: 'ready', encoders: encodersPresent() })

function take(message: ChildInput): void {
  let track = tracks.get(message.track)
  if (message.kind === 'close') {
    tracks.delete(message.track)
    track?.[Symbol.dispose]()
    return
  }
  if (message.opening !== undefined) {
    track?.[Symbol.dispose]()
    track = new TranscodedTrack(message.opening)
    tracks.set(message.track, track)
  }
  if (track === undefined) throw new Error(`track ${message.track} was never opened`)
  tell(track.take(message))
}

function tell(message: ChildOutput): void {
  process.send?.(message)
}
