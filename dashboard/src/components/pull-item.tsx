import { useState } from 'preact/hooks'
import type { PullDocument } from '../api/documents.ts'
import { count, formatMoment } from '../format.ts'
import { useApp } from '../state/context.ts'
import { useMay } from '../state/use-may.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { Icon } from './icon.tsx'

/** One stream that is fetched: from where, how it goes, and why not. */
export function PullItem({ pull }: { pull: PullDocument }) {
  const mayManage = useMay('manage')
  const [isRemoving, setRemoving] = useState(false)
  return (
    <li class="item" data-pull={pull.id}>
      <div class="item-body">
        <h2 class="item-title">
          {pull.state === 'streaming' ? (
            <a href="#/" aria-label={`Look at ${pull.path}`}>
              <code>{pull.path}</code>
            </a>
          ) : (
            <code>{pull.path}</code>
          )}
          <span class={`badge badge-pull-${pull.state}`}>{pull.state}</span>
        </h2>
        <p class="facts muted">
          <code>{pull.url}</code>
          <span>
            since <time dateTime={pull.since}>{formatMoment(pull.since, Date.now())}</time>
          </span>
          {pull.attempts > 0 && <span>{count(pull.attempts, 'attempt')}</span>}
          <span>{pull.keepAlive ? 'reconnects' : 'tried once'}</span>
          {!pull.verifyTls && <span>any certificate</span>}
          {pull.transport !== 'auto' && <span>over {pull.transport.toUpperCase()} only</span>}
        </p>
        {pull.lastError !== null && (
          <p class="reason">
            {pull.lastError.message} <code>{pull.lastError.code}</code>
          </p>
        )}
        {pull.origin === 'config' && (
          <p class="facts muted">
            <span>
              <Icon name="lock" /> From the configuration file: change it there and restart.
            </span>
          </p>
        )}
      </div>
      {mayManage && pull.origin === 'api' && (
        <div class="item-actions">
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove source ${pull.path}`}
            onClick={() => setRemoving(true)}
          >
            <Icon name="trash" />
          </button>
        </div>
      )}
      {isRemoving && <RemoveDialog pull={pull} onClosed={() => setRemoving(false)} />}
    </li>
  )
}

function RemoveDialog({ pull, onClosed }: { pull: PullDocument; onClosed: () => void }) {
  const { client, pulls, toasts } = useApp()
  return (
    <ConfirmDialog
      title="Remove this source?"
      action="Remove"
      doing="Removing…"
      onClosed={onClosed}
      onConfirm={() => client.removePull(pull.id)}
      onConfirmed={() => {
        toasts.notice(`Source ${pull.path} removed.`)
        pulls.tell((all) => all.filter(({ id }) => id !== pull.id))
        document.getElementById('page-title')?.focus()
      }}
    >
      <p>
        {pull.path} is no longer fetched from {pull.url}. A recording of it ends as if its publisher had left.
      </p>
    </ConfirmDialog>
  )
}
