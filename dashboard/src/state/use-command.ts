import { useState } from 'preact/hooks'
import { useApp } from './context.ts'

/** What a button needs to run a command. */
export interface CommandRunner {
  readonly isBusy: boolean
  readonly run: (command: () => Promise<void>) => void
}

/** Runs a command while its button rests; why it failed becomes a message. */
export function useCommand(): CommandRunner {
  const { toasts } = useApp()
  const [isBusy, setBusy] = useState(false)
  const run = (command: () => Promise<void>) => {
    setBusy(true)
    command()
      .catch((error: unknown) => toasts.error(error))
      .finally(() => setBusy(false))
  }
  return { isBusy, run }
}
