import { useState } from 'preact/hooks'
import { ProblemError } from '../api/problem.ts'
import { type FieldPlaces, type PlacedProblems, placeProblems } from './field-problems.ts'
import { useCommand } from './use-command.ts'

/** What is wrong with a form, and how it is found out. */
export interface FormProblems<Name extends string> extends PlacedProblems<Name> {
  readonly isBusy: boolean
  /** Sends the form; what the server does not like about it is shown, and the first wrong field takes the focus. */
  readonly send: (command: () => Promise<void>) => void
  /** Found before anything was sent. */
  readonly show: (fields: ReadonlyMap<Name, string>) => void
  /** The fields were changed: what was said of them is no longer true. */
  readonly forget: (names: readonly string[]) => void
}

/** Problems of a form, each at the field it is about. */
export function useFormProblems<Name extends string>(places: FieldPlaces<Name>): FormProblems<Name> {
  const { isBusy, run } = useCommand()
  const [problems, setProblems] = useState<PlacedProblems<Name>>({ fields: new Map(), rest: [] })

  const put = (placed: PlacedProblems<Name>) => {
    setProblems(placed)
    // After the render that marks them.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('form [aria-invalid="true"]')?.focus())
  }
  const send = (command: () => Promise<void>) =>
    run(async () => {
      setProblems({ fields: new Map(), rest: [] })
      try {
        await command()
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        put(placeProblems(error, places))
      }
    })
  return {
    ...problems,
    isBusy,
    send,
    show: (fields) => put({ fields, rest: [] }),
    forget: (names) =>
      setProblems(({ fields, rest }) => ({
        rest,
        fields: new Map([...fields].filter(([name]) => !names.includes(name))),
      })),
  }
}
