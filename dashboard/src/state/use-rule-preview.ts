import { useEffect, useState } from 'preact/hooks'
import type { RuleFields, RulePreview } from '../api/documents.ts'
import { useApp } from './context.ts'
import { type RuleDraft, readDraft } from './rule-draft.ts'

/** Asked once typing rests. */
const DELAY_MS = 300

/** What the rule would do as it is written now; undefined while that is not known, or the server would not take it. */
export function useRulePreview(draft: RuleDraft, before: RuleFields | undefined): RulePreview | undefined {
  const { client } = useApp()
  const [preview, setPreview] = useState<RulePreview | undefined>(undefined)
  const rule = readDraft(draft, before)
  // Only what decides the answer, so that another priority asks nothing.
  const asked = 'match' in rule ? JSON.stringify({ match: rule.match, request: rule.request }) : undefined
  useEffect(() => {
    if (asked === undefined) {
      setPreview(undefined)
      return undefined
    }
    let isCurrent = true
    const timer = setTimeout(() => {
      client.previewRule(JSON.parse(asked) as Pick<RuleFields, 'match' | 'request'>).then(
        (answer) => isCurrent && setPreview(answer),
        // Saving says why, at the field it is about.
        () => isCurrent && setPreview(undefined),
      )
    }, DELAY_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [client, asked])
  return preview
}
