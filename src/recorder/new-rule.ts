import type { RuleRow } from '#storage/catalog/catalog.ts'

export { RULE_RECORDS } from '#storage/catalog/catalog.ts'

/** A rule as somebody writes it, every default applied. */
export type NewRule = Omit<RuleRow, 'id' | 'origin'>

/** What a rule is where it does not say: `{ ...NEW_RULE, match: 'live/*' }`. */
export const NEW_RULE = {
  request: {},
  enabled: true,
  priority: 0,
  record: 'always',
  additional: false,
  once: false,
  metadata: {},
} as const satisfies Partial<NewRule>
