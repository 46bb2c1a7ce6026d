import type { ComponentChildren } from 'preact'

/** A box or a radio button, named by its label and described by what it means. */
export function Option(props: {
  id: string
  label: string
  hint: string
  children: (control: { readonly id: string; readonly 'aria-describedby': string }) => ComponentChildren
}) {
  const hintId = `${props.id}-hint`
  return (
    <div class="option">
      {props.children({ id: props.id, 'aria-describedby': hintId })}
      <div>
        <label for={props.id}>{props.label}</label>
        <p id={hintId} class="hint">
          {props.hint}
        </p>
      </div>
    </div>
  )
}
