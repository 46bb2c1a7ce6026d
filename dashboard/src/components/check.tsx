/** A yes or no of a form, with what it means. */
export function Check(props: {
  id: string
  label: string
  hint: string
  isOn: boolean
  isDisabled?: boolean
  onChange: (isOn: boolean) => void
}) {
  return (
    <label class="choice-option" for={props.id}>
      <input
        id={props.id}
        type="checkbox"
        checked={props.isOn}
        disabled={props.isDisabled ?? false}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>
        {props.label}
        <span class="hint">{props.hint}</span>
      </span>
    </label>
  )
}
