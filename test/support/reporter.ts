import Mocha from 'mocha'

/**
 * The spec reporter, ending with the line `N passed, N failed, N skipped`.
 *
 * On a user's machine a test may be skipped because a peer (a browser, say) is not installed. In CI everything is
 * installed first, so that there a skipped test is a failure: it would otherwise stay unnoticed for ever.
 */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  override done(failures: number, callback?: (failures: number) => void): void {
    const { passes, failures: failed, pending } = this.stats
    const forbidden = process.env.CI ? pending : 0
    if (forbidden > 0) console.log('In CI no test may be skipped.\n')
    console.log(`${passes} passed, ${failed} failed, ${pending} skipped`)
    callback?.(failures + forbidden)
  }
}
