import { containerName } from '../codec-names.ts'
import { useApp } from '../state/context.ts'
import { IF_EXISTS_WORDS } from '../state/rule-words.ts'
import type { RuleForm } from '../state/use-rule-form.ts'
import { useStore } from '../state/use-store.ts'
import { Field } from './field.tsx'
import { NameField } from './name-field.tsx'

/** Which container, what the file is called, and how the recording begins and ends. */
export function RuleFileFields({ form }: { form: RuleForm }) {
  const { feed } = useApp()
  const { server } = useStore(feed.state)
  const { draft, problems, change } = form
  return (
    <fieldset class="group">
      <legend>File</legend>
      <div class="field-row">
        <Field
          id="rule-format"
          label="Container"
          hint="Automatic: MP4 where it can hold the codecs, else FLV."
          problem={problems.get('format')}
        >
          {(control) => (
            <select
              {...control}
              value={draft.format}
              onChange={(event) => change({ format: event.currentTarget.value })}
            >
              <option value="">Server's default</option>
              <option value="auto">Automatic</option>
              {(server?.formats ?? []).map(({ name }) => (
                <option key={name} value={name}>
                  {containerName(name)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field id="rule-ifExists" label="When the file exists" problem={problems.get('ifExists')}>
          {(control) => (
            <select
              {...control}
              value={draft.ifExists}
              onChange={(event) => change({ ifExists: event.currentTarget.value })}
            >
              {Object.entries(IF_EXISTS_WORDS).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <NameField form={form} />
      <div class="field-row">
        <NumberField form={form} field="preRollSeconds" label="Pre-roll">
          Begins this far in the past, as far as the server remembers.
        </NumberField>
        <NumberField form={form} field="reconnectSeconds" label="Wait for its return">
          A stream that returns in time goes on in the same recording.
        </NumberField>
        <NumberField form={form} field="maxSeconds" label="Longest">
          Empty: until the stream ends or somebody stops it.
        </NumberField>
      </div>
    </fieldset>
  )
}

function NumberField(props: {
  form: RuleForm
  field: 'preRollSeconds' | 'reconnectSeconds' | 'maxSeconds'
  label: string
  children: string
}) {
  const { form, field } = props
  return (
    <Field id={`rule-${field}`} label={props.label} hint={props.children} problem={form.problems.get(field)}>
      {(control) => (
        <span class="row with-unit">
          <input
            {...control}
            type="text"
            inputmode="decimal"
            autocomplete="off"
            class="short"
            value={form.draft[field]}
            onInput={(event) => form.change({ [field]: event.currentTarget.value })}
          />
          seconds
        </span>
      )}
    </Field>
  )
}
