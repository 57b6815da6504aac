package difftest_test

func messages(w *world) {}
