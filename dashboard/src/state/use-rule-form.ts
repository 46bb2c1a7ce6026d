import { useState } from 'preact/hooks'
import type { RuleDocument, RuleFields } from '../api/documents.ts'
import { ProblemError } from '../api/problem.ts'
import { useApp } from './context.ts'
import { changesOf, draftOf, type RuleDraft, type RuleProblems, readDraft } from './rule-draft.ts'
import { placeProblems } from './rule-problems.ts'
import { useCommand } from './use-command.ts'

const NO_PROBLEMS: RuleProblems = new Map()

/** A rule while it is written. */
export interface RuleForm {
  readonly draft: RuleDraft
  readonly problems: RuleProblems
  /** What is wrong with no field in particular. */
  readonly rest: readonly string[]
  readonly isBusy: boolean
  readonly change: (change: Partial<RuleDraft>) => void
  readonly submit: () => void
}

/** Holds what is typed, sends it, and puts what the server does not like where it belongs. */
export function useRuleForm(rule: RuleDocument | undefined, onSaved: (rule: RuleDocument) => void): RuleForm {
  const { client } = useApp()
  const { isBusy, run } = useCommand()
  const [draft, setDraft] = useState(() => draftOf(rule))
  const [problems, setProblems] = useState(NO_PROBLEMS)
  const [rest, setRest] = useState<readonly string[]>([])

  const change = (changed: Partial<RuleDraft>) => {
    setDraft((before) => ({ ...before, ...changed }))
    const names = new Set(Object.keys(changed))
    setProblems((before) => new Map([...before].filter(([field]) => !names.has(field))))
  }
  const show = (fields: RuleProblems, others: readonly string[]) => {
    setProblems(fields)
    setRest(others)
    // After the render that marks them.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('form [aria-invalid="true"]')?.focus())
  }
  const submit = () =>
    run(async () => {
      const wanted = readDraft(draft, rule)
      if (!('match' in wanted)) return show(wanted, [])
      show(NO_PROBLEMS, [])
      try {
        onSaved(await save(wanted))
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        const placed = placeProblems(error)
        show(placed.fields, placed.rest)
      }
    })
  const save = async (wanted: RuleFields) => {
    if (rule === undefined) return client.addRule({ ...changesOf(wanted), match: wanted.match })
    const changes = changesOf(wanted, rule)
    return Object.keys(changes).length === 0 ? rule : client.changeRule(rule.id, changes)
  }
  return { draft, problems, rest, isBusy, change, submit }
}
