import { SIZE_UNITS, TIME_UNITS } from '../state/rule-draft.ts'
import type { RuleForm } from '../state/use-rule-form.ts'
import { Choice } from './choice.tsx'
import { Field, type FieldProps } from './field.tsx'

const CUTS = [
  { value: 'keyframe', label: 'At the next key frame', hint: 'Every part plays alone.' },
  { value: 'exact', label: 'At once', hint: 'A part may begin with a picture that needs the one before.' },
] as const

/** When a recording goes on in a new file: whatever of these is met first. */
export function RuleRotationFields({ form }: { form: RuleForm }) {
  const { draft, problems, change } = form
  const isRotated = [draft.rotateEvery, draft.rotateSize, draft.rotateAt].some((text) => text.trim() !== '')
  const amount = (control: FieldProps, field: 'rotateEvery' | 'rotateSize') => (
    <input
      {...control}
      type="text"
      inputmode="decimal"
      autocomplete="off"
      class="short"
      value={draft[field]}
      onInput={(event) => change({ [field]: event.currentTarget.value })}
    />
  )
  return (
    <fieldset class="group">
      <legend>New part</legend>
      <p class="hint">Whatever comes first. Empty: one file, however long.</p>
      <div class="field-row">
        <Field id="rule-rotateEvery" label="After" problem={problems.get('rotateEvery')}>
          {(control) => (
            <span class="row with-unit">
              {amount(control, 'rotateEvery')}
              <UnitSelect
                name="Unit of the time"
                units={TIME_UNITS}
                value={draft.rotateEveryUnit}
                onChange={(rotateEveryUnit) => change({ rotateEveryUnit })}
              />
            </span>
          )}
        </Field>
        <Field id="rule-rotateSize" label="After a size of" problem={problems.get('rotateSize')}>
          {(control) => (
            <span class="row with-unit">
              {amount(control, 'rotateSize')}
              <UnitSelect
                name="Unit of the size"
                units={SIZE_UNITS}
                value={draft.rotateSizeUnit}
                onChange={(rotateSizeUnit) => change({ rotateSizeUnit })}
              />
            </span>
          )}
        </Field>
        <Field
          id="rule-rotateAt"
          label="By the clock"
          problem={problems.get('rotateAt')}
          hint={
            <>
              Cron, in the server's time zone: <code>0 * * * *</code> each full hour, <code>0 0 * * *</code> at
              midnight.
            </>
          }
        >
          {(control) => (
            <input
              {...control}
              type="text"
              class="code"
              autocomplete="off"
              spellcheck={false}
              value={draft.rotateAt}
              onInput={(event) => change({ rotateAt: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      {isRotated && (
        <Choice
          name="rule-rotateCut"
          legend="Where to cut"
          value={draft.rotateCut}
          options={CUTS}
          problem={problems.get('rotateCut')}
          onChoose={(rotateCut) => change({ rotateCut })}
        />
      )}
    </fieldset>
  )
}

function UnitSelect<Unit extends string>(props: {
  name: string
  units: Readonly<Record<Unit, number>>
  value: Unit
  onChange: (unit: Unit) => void
}) {
  const units = Object.keys(props.units) as Unit[]
  return (
    <select
      aria-label={props.name}
      value={props.value}
      onChange={(event) => props.onChange(units[event.currentTarget.selectedIndex] ?? props.value)}
    >
      {units.map((unit) => (
        <option key={unit} value={unit}>
          {unit}
        </option>
      ))}
    </select>
  )
}
