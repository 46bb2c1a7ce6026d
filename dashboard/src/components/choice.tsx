import { Option } from './option.tsx'

/** One of a few, all in sight, as radio buttons. */
export function Choice<Value extends string>(props: {
  name: string
  legend: string
  value: Value
  options: readonly { readonly value: Value; readonly label: string; readonly hint: string }[]
  problem: string | undefined
  onChoose: (value: Value) => void
}) {
  const problemId = `${props.name}-problem`
  return (
    <fieldset class="choice" aria-describedby={problemId}>
      <legend>{props.legend}</legend>
      {props.options.map(({ value, label, hint }) => (
        <Option key={value} id={`${props.name}-${value}`} label={label} hint={hint}>
          {(control) => (
            <input
              {...control}
              type="radio"
              name={props.name}
              value={value}
              checked={props.value === value}
              onChange={() => props.onChoose(value)}
            />
          )}
        </Option>
      ))}
      <p id={problemId} class="field-problem" role="alert">
        {props.problem}
      </p>
    </fieldset>
  )
}
