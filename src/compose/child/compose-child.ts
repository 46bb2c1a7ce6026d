// Runs in a process of its own (see ChildLink): native code that reads bytes strangers sent. Composes one
// picture and one sound of what the server sends.
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import type { ChildInput } from '../messages.ts'
import { CompositionLoop } from './composition-loop.ts'

let loop: CompositionLoop | undefined

Log.setLevel(AV_LOG_QUIET)
process.on('message', (message) => {
  const input = message as ChildInput
  if (input.kind === 'begin') loop = new CompositionLoop(input, (output) => void process.send?.(output, () => {}))
  else loop?.take(input)
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C in the terminal of the server reaches the child as well, which goes on until it is told.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
