package io.sternway.clients;

import com.aliyuncs.edas.model.v20170801.AbortAndRollbackChangeOrderRequest;
import com.aliyuncs.exceptions.ClientException;
import java.time.Duration;

/**
 * Stops a release and brings every pod back: the sequence of the EDAS documentation, as one would write it into a job.
 *
 * <p>Arguments: the endpoint ("host:port") and the id of the change order that is running. The exit code is 0 when the
 * rollback has ended in Status 2, 3 when it has ended in Status 3 (its task messages are printed), and 1 otherwise.
 */
public final class AbortAndRollback {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final int SUCCEEDED = 2;
    private static final int FAILED = 3;

    private AbortAndRollback() {}

    /** See the class. */
    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 2) {
            System.err.println("usage: AbortAndRollback HOST:PORT CHANGE_ORDER_ID");
            System.exit(2);
        }
        try {
            System.exit(run(new Edas(arguments[0]), arguments[1]));
        } catch (ClientException error) {
            System.err.println("error: " + error.getErrCode() + ": " + error.getErrMsg());
        } catch (Problem problem) {
            System.err.println("error: " + problem.getMessage());
        }
        System.exit(1);
    }

    private static int run(Edas edas, String running) throws ClientException, Problem, InterruptedException {
        AbortAndRollbackChangeOrderRequest request = new AbortAndRollbackChangeOrderRequest();
        request.setChangeOrderId(running);
        var response = edas.call(request);
        Edas.requireSuccess("AbortAndRollbackChangeOrder", response.getCode(), response.getMessage());
        String rollback = response.getData().getChangeOrderId();
        System.out.println("ChangeOrderId: " + rollback);
        System.out.println("Message: " + response.getMessage());
        System.out.println("TraceId: " + response.getTraceId());
        Problem.unless("success".equals(response.getErrorCode()), "ErrorCode is " + response.getErrorCode());
        Problem.unless(rollback != null && !rollback.isEmpty(), "the answer names no change order");
        Problem.unless(!rollback.equals(running), "the rollback has the id of the order that it rolls back");
        Problem.unless(response.getTraceId() != null && !response.getTraceId().isEmpty(), "the answer has no TraceId");

        var ended = edas.poll(rollback, "at its end", PATIENCE, Edas::hasEnded);
        System.out.println("Status: " + ended.getStatus());
        Edas.taskMessages(ended).forEach(message -> System.out.println("TaskMessage: " + message));
        if (ended.getStatus() == FAILED) {
            return 3;
        }
        Problem.unless(ended.getStatus() == SUCCEEDED, "the rollback ended as " + Edas.describe(ended));
        return 0;
    }
}
