import type { ComponentChildren } from 'preact'

/** What a control of a field needs to be named, described and marked wrong. */
export interface FieldProps {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string
}

/** A labelled control with a hint below it, and what is wrong with it when something is. */
export function Field(props: {
  id: string
  label: string
  hint?: ComponentChildren
  problem: string | undefined
  children: (control: FieldProps) => ComponentChildren
}) {
  const { id, problem } = props
  const control = {
    id,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-hint ${id}-problem`,
  }
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(control)}
      {/* Before the hint, beside the control it is about; there before its text is, as screen readers need. */}
      <p id={`${id}-problem`} class="field-problem" role="alert">
        {problem}
      </p>
      <p id={`${id}-hint`} class="hint">
        {props.hint}
      </p>
    </div>
  )
}
