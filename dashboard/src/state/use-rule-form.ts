import { useState } from 'preact/hooks'
import type { RuleDocument, RuleFields, RulePreview } from '../api/documents.ts'
import { useApp } from './context.ts'
import { changesOf, draftOf, type RuleDraft, type RuleProblems, readDraft } from './rule-draft.ts'
import { RULE_PLACES } from './rule-problems.ts'
import { useFormProblems } from './use-form-problems.ts'
import { useRulePreview } from './use-rule-preview.ts'

/** A rule while it is written. */
export interface RuleForm {
  readonly draft: RuleDraft
  readonly problems: RuleProblems
  /** What is wrong with no field in particular. */
  readonly rest: readonly string[]
  readonly isBusy: boolean
  readonly preview: RulePreview | undefined
  readonly change: (change: Partial<RuleDraft>) => void
  readonly submit: () => void
}

/** Holds what is typed, sends it, and puts what the server does not like where it belongs. */
export function useRuleForm(rule: RuleDocument | undefined, onSaved: (rule: RuleDocument) => void): RuleForm {
  const { client } = useApp()
  // As it was when the form was opened: what others change meanwhile is not taken back by saving.
  const [before] = useState(rule)
  const [draft, setDraft] = useState(() => draftOf(before))
  const { fields: problems, rest, isBusy, send, show, forget } = useFormProblems(RULE_PLACES)
  const preview = useRulePreview(draft, before)

  const save = async (wanted: RuleFields): Promise<RuleDocument> => {
    if (rule === undefined || before === undefined) return client.addRule({ ...changesOf(wanted), match: wanted.match })
    const changes = changesOf(wanted, before)
    return Object.keys(changes).length === 0 ? rule : client.changeRule(rule.id, changes)
  }
  const change = (changed: Partial<RuleDraft>) => {
    setDraft((before) => ({ ...before, ...changed }))
    forget(Object.keys(changed))
  }
  const submit = () => {
    const wanted = readDraft(draft, before)
    if ('match' in wanted) send(async () => onSaved(await save(wanted)))
    else show(wanted)
  }
  return { draft, problems, rest, isBusy, preview, change, submit }
}
