package difftest_test

func psbts(w *world) {}
