package difftest_test

func addresses(w *world) {}
