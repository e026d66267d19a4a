/**
 * A worker process of `workers.ts`. Invariant: it ends when whoever started it does.
 */
import { serveOrders } from './workers.ts'

process.on('disconnect', () => process.exit(0))
serveOrders()
