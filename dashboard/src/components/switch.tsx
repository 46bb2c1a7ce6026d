/** On or off, at once. The name says what is switched. */
export function Switch(props: {
  name: string
  isOn: boolean
  isDisabled: boolean
  title?: string | undefined
  onSwitch: (isOn: boolean) => void
}) {
  return (
    <button
      type="button"
      role="switch"
      class="switch"
      aria-checked={props.isOn}
      aria-label={props.name}
      title={props.title}
      disabled={props.isDisabled}
      onClick={() => props.onSwitch(!props.isOn)}
    >
      <span class="switch-knob" aria-hidden="true" />
    </button>
  )
}
