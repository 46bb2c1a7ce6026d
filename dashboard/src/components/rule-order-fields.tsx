import type { RuleForm } from '../state/use-rule-form.ts'
import { Check } from './check.tsx'
import { Field } from './field.tsx'

/** The rule's place among the others. */
export function RuleOrderFields({ form }: { form: RuleForm }) {
  const { draft, problems, change } = form
  return (
    <fieldset class="group">
      <legend>Order</legend>
      <Field
        id="rule-priority"
        label="Priority"
        hint="Rules with a higher one are asked first; among equals, those of the configuration file, then the older."
        problem={problems.get('priority')}
      >
        {(control) => (
          <input
            {...control}
            type="text"
            inputmode="numeric"
            autocomplete="off"
            class="short"
            value={draft.priority}
            onInput={(event) => change({ priority: event.currentTarget.value })}
          />
        )}
      </Field>
      {draft.record !== 'never' && (
        <Check
          id="rule-additional"
          label="Besides other rules"
          hint="Records as well, and leaves the decision to the other rules."
          isOn={draft.additional}
          onChange={(additional) => change({ additional })}
        />
      )}
      <Check
        id="rule-enabled"
        label="Enabled"
        hint="A rule that is off is kept, and not asked."
        isOn={draft.enabled}
        onChange={(enabled) => change({ enabled })}
      />
    </fieldset>
  )
}
