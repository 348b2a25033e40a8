-- CreateIndex
CREATE INDEX "run_event_run_id_transaction_id_idx" ON "run_event"("run_id", "transaction_id");


