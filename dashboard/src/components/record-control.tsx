import { useId, useState } from 'preact/hooks'
import { containerName } from '../codec-names.ts'
import { useApp } from '../state/context.ts'
import { useCommand } from '../state/use-command.ts'
import { useMay } from '../state/use-may.ts'
import { useStore } from '../state/use-store.ts'

/** The record button, and in which container. */
export function RecordControl({ path, isRecorded }: { path: string; isRecorded: boolean }) {
  const { client, feed } = useApp()
  const { server } = useStore(feed.state)
  const mayRecord = useMay('record')
  const [format, setFormat] = useState('auto')
  const { isBusy, run } = useCommand()
  const selectId = useId()
  const formats = server?.formats ?? []

  const record = () =>
    run(async () => {
      feed.tell(await client.record({ stream: path, format }))
    })
  if (!mayRecord) return null
  return (
    <div class="row record-control">
      <button
        type="button"
        class={isRecorded ? 'record' : 'record primary'}
        disabled={isBusy}
        aria-label={isRecorded ? `Record ${path} again` : `Record ${path}`}
        onClick={record}
      >
        <span class="record-dot" aria-hidden="true" />
        {isRecorded ? 'Record again' : 'Record'}
      </button>
      <label class="visually-hidden" for={selectId}>
        Container for a new recording of {path}
      </label>
      <select id={selectId} value={format} onChange={(event) => setFormat(event.currentTarget.value)}>
        <option value="auto">Automatic</option>
        {formats.map(({ name }) => (
          <option key={name} value={name}>
            {containerName(name)}
          </option>
        ))}
      </select>
    </div>
  )
}
