import type { ComponentChildren } from 'preact'
import type { RuleDocument } from '../api/documents.ts'
import { otherRequestFields } from '../state/rule-draft.ts'
import { useRuleForm } from '../state/use-rule-form.ts'
import { RuleFileFields } from './rule-file-fields.tsx'
import { RuleOrderFields } from './rule-order-fields.tsx'
import { RuleRotationFields } from './rule-rotation-fields.tsx'
import { RuleStreamFields } from './rule-stream-fields.tsx'

/** Everything a rule says, in groups: which streams, which files, when new ones begin, and its place among the rules. */
export function RuleForm(props: {
  rule: RuleDocument | undefined
  action: string
  isReadOnly?: boolean
  onSaved: (rule: RuleDocument) => void
  /** Further buttons. */
  children?: ComponentChildren
}) {
  const { rule, isReadOnly = false } = props
  const form = useRuleForm(rule, props.onSaved)
  const others = Object.entries(otherRequestFields(rule?.request ?? {}))
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    form.submit()
  }
  return (
    <form class="form" noValidate onSubmit={submit}>
      <fieldset class="form-fields" disabled={isReadOnly}>
        <legend class="visually-hidden">The rule</legend>
        <RuleStreamFields form={form} />
        {form.draft.record !== 'never' && (
          <>
            <RuleFileFields form={form} />
            <RuleRotationFields form={form} />
          </>
        )}
        <RuleOrderFields form={form} />
      </fieldset>
      {others.length > 0 && (
        <p class="hint">
          Also set, and kept as it is:{' '}
          {others.map(([name, value]) => (
            <code key={name}>
              {name}: {JSON.stringify(value)}{' '}
            </code>
          ))}
        </p>
      )}
      <div role="alert">
        {form.rest.map((text) => (
          <p key={text} class="field-problem">
            {text}
          </p>
        ))}
      </div>
      {!isReadOnly && (
        <div class="row form-actions">
          <button type="submit" class="primary" disabled={form.isBusy}>
            {form.isBusy ? 'Saving…' : props.action}
          </button>
          <a class="button" href="#/rules">
            Cancel
          </a>
          {props.children}
        </div>
      )}
    </form>
  )
}
