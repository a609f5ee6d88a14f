import Mocha from 'mocha'
import { interopMode, settleInterop } from './interop-table.ts'

/**
 * The spec reporter, ending with the line `N passed, N failed, N skipped`.
 *
 * On a user's machine a test may be skipped because a peer (a browser, say) is not installed. In CI everything is
 * installed first, so that there a skipped test is a failure: it would otherwise stay unnoticed for ever.
 *
 * After a run without failures it settles the table of interoperability, too: with failures, rows are missing anyway.
 */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  override done(failures: number, callback?: (failures: number) => void): void {
    const { passes, failures: failed, pending } = this.stats
    const forbidden = process.env.CI ? pending : 0
    if (forbidden > 0) console.log('In CI no test may be skipped.\n')
    const stale = failures + forbidden === 0 ? settleInterop(interopMode(process.env)) : undefined
    if (stale !== undefined) console.log(`${stale}\n`)
    console.log(`${passes} passed, ${stale === undefined ? failed : failed + 1} failed, ${pending} skipped`)
    callback?.(failures + forbidden + (stale === undefined ? 0 : 1))
  }
}
