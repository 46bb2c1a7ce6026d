import type { DeliveryDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { useCommand } from '../state/use-command.ts'
import { useMay } from '../state/use-may.ts'

/** Sends a delivery again, or at once if it waits. */
export function ReplayButton(props: { delivery: DeliveryDocument; onReplayed: (delivery: DeliveryDocument) => void }) {
  const { client, toasts } = useApp()
  const { isBusy, run } = useCommand()
  const mayManage = useMay('manage')
  const { delivery } = props
  if (!mayManage) return null
  const replay = () =>
    run(async () => {
      props.onReplayed(await client.replay(delivery.id))
      toasts.notice(`${delivery.event.type} is sent again.`)
    })
  return (
    <button
      type="button"
      disabled={isBusy}
      aria-label={`Replay ${delivery.event.type} of ${delivery.stream}`}
      onClick={replay}
    >
      Replay
    </button>
  )
}
