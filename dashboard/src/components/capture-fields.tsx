import type { CaptureDevice, CaptureSource, CaptureState } from '../capture/capture.ts'
import { useApp } from '../state/context.ts'
import { Field } from './field.tsx'
import { Icon } from './icon.tsx'

const SOURCES = [
  { source: 'camera', label: 'Camera', icon: 'camera' },
  { source: 'screen', label: 'Screen', icon: 'screen' },
  { source: 'sound', label: 'Sound', icon: 'microphone' },
] as const

const NO_MICROPHONE = 'none'

/** What is to be captured: where from, and by which devices. */
export function CaptureFields({ state }: { state: CaptureState }) {
  const { capture } = useApp()
  const { source, cameraId, microphoneId, withMicrophone, cameras, microphones } = state
  const isSoundOnly = source === 'sound'
  return (
    <>
      <Segments
        legend="What"
        name="capture-source"
        value={source}
        options={SOURCES.map((option) => ({ value: option.source, ...option }))}
        onChoose={(chosen: CaptureSource) => void capture.choose({ source: chosen })}
      />
      {source === 'camera' && (
        <DeviceField
          id="capture-camera"
          label="Camera"
          devices={cameras}
          value={cameraId}
          anyText="Any camera"
          onChoose={(id) => void capture.choose({ cameraId: id })}
        />
      )}
      <DeviceField
        id="capture-microphone"
        label="Microphone"
        devices={microphones}
        value={withMicrophone || isSoundOnly ? microphoneId : NO_MICROPHONE}
        anyText="Any microphone"
        noneText={isSoundOnly ? '' : source === 'screen' ? 'None: what the screen plays' : 'None: without sound'}
        onChoose={(id) =>
          void capture.choose(
            id === NO_MICROPHONE ? { withMicrophone: false } : { withMicrophone: true, microphoneId: id },
          )
        }
      />
    </>
  )
}

function DeviceField(props: {
  id: string
  label: string
  devices: readonly CaptureDevice[]
  value: string
  anyText: string
  noneText?: string
  onChoose: (id: string) => void
}) {
  const { id, label, devices, value, anyText, noneText = '', onChoose } = props
  return (
    <Field
      id={id}
      label={label}
      hint={devices.length === 0 ? 'Names are shown once the browser allows it.' : ''}
      problem={undefined}
    >
      {(control) => (
        <select {...control} class="wide" value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
          <option value="">{anyText}</option>
          {devices.map((device) => (
            <option key={device.id} value={device.id}>
              {device.label}
            </option>
          ))}
          {noneText !== '' && <option value={NO_MICROPHONE}>{noneText}</option>}
        </select>
      )}
    </Field>
  )
}

/** Radio buttons that look like one switch of a few positions. */
export function Segments<Value extends string>(props: {
  legend: string
  name: string
  value: Value
  options: readonly {
    readonly value: Value
    readonly label: string
    readonly icon?: 'camera' | 'screen' | 'microphone'
  }[]
  onChoose: (value: Value) => void
}) {
  return (
    <fieldset class="choice">
      <legend>{props.legend}</legend>
      <div class="segments">
        {props.options.map(({ value, label, icon }) => (
          <label key={value} class="segment">
            <input
              type="radio"
              name={props.name}
              value={value}
              checked={props.value === value}
              onChange={() => props.onChoose(value)}
            />
            {icon !== undefined && <Icon name={icon} />}
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
