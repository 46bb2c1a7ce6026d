import { Option } from './option.tsx'

/** A yes or no of a form, with what it means. */
export function Check(props: {
  id: string
  label: string
  hint: string
  isOn: boolean
  onChange: (isOn: boolean) => void
}) {
  return (
    <Option id={props.id} label={props.label} hint={props.hint}>
      {(control) => (
        <input
          {...control}
          type="checkbox"
          checked={props.isOn}
          onChange={(event) => props.onChange(event.currentTarget.checked)}
        />
      )}
    </Option>
  )
}
